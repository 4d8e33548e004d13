//! Plans in the shape that `terraform show -json` has.

use serde_json::{Value as Json, json};

use super::read;
use crate::context::{Context, Options};
use crate::testing::Translated;

mod gateway;

/// A resource: its address without the module, what is known, what its expressions refer to, and what is not known.
fn resource(address: &str, values: Json, expressions: Json, unknown: Json) -> [Json; 3] {
    let (kind, rest) = address.split_once('.').unwrap();
    let name = rest.split('[').next().unwrap();
    let base = json!({"address": address, "mode": "managed", "type": kind, "name": name});
    let with = |key: &str, value: &Json| {
        let mut all = base.clone();
        all[key] = value.clone();
        all
    };
    let change = json!({"address": address, "change": {"actions": ["create"], "after": values, "after_unknown": unknown}});
    [
        with("values", &values),
        with("expressions", &expressions),
        change,
    ]
}

/// An expression with these references. Terraform lists the shorter ones, too.
fn refers(references: &[&str]) -> Json {
    let mut all = Vec::new();
    for reference in references {
        all.push((*reference).to_owned());
        if let Some((shorter, _)) = reference.rsplit_once('.') {
            all.push(shorter.to_owned());
        }
    }
    json!({ "references": all })
}

/// A plan with these resources in its outermost module.
fn plan(resources: Vec<[Json; 3]>) -> Json {
    let part = |number: usize| -> Vec<Json> {
        resources
            .iter()
            .map(|resource| resource[number].clone())
            .collect()
    };
    // A configuration has a resource once, whatever its count.
    let mut configured: Vec<Json> = Vec::new();
    for resource in part(1) {
        if !configured
            .iter()
            .any(|known| known["type"] == resource["type"] && known["name"] == resource["name"])
        {
            configured.push(resource);
        }
    }
    json!({
        "format_version": "1.2",
        "terraform_version": "1.9.0",
        "planned_values": {"root_module": {"resources": part(0)}},
        "resource_changes": part(2),
        "configuration": {
            "provider_config": {"aws": {"name": "aws", "expressions": {"region": {"constant_value": "eu-west-1"}}}},
            "root_module": {"resources": configured},
        },
    })
}

fn translate(plan: &Json, files: &[&str]) -> Result<Translated, String> {
    let folder = tempfile::tempdir().unwrap();
    for name in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "").unwrap();
    }
    let path = folder.path().join("plan.json");
    std::fs::write(&path, serde_json::to_string_pretty(plan).unwrap()).unwrap();
    let context = Context::new(Options {
        folder: folder.path().to_owned(),
        ..Options::default()
    });
    let shown = format!("{}/", folder.path().display());
    let template = read(&context, &path).map_err(|error| error.to_string().replace(&shown, ""))?;
    let stack = crate::template::resolve(&context, vec![template]).unwrap();
    let document = crate::sections::write(&context, &stack);
    let files = context.files();
    let shortened =
        |lines: Vec<String>| lines.iter().map(|line| line.replace(&shown, "")).collect();
    let outputs = stack.outputs.iter().map(|output| {
        (
            output.name.clone(),
            output.value.as_str().map(crate::local_url::as_setting),
        )
    });
    Ok(Translated {
        text: document.print().text,
        notes: shortened(context.report.notes(&files)),
        refusals: shortened(context.report.refusals(&files)),
        outputs: outputs.collect(),
    })
}

fn function(name: &str) -> [Json; 3] {
    resource(
        &format!("aws_lambda_function.{name}"),
        json!({"function_name": name, "handler": "app.handler", "runtime": "nodejs22.x", "filename": "build/app.zip", "memory_size": 256,
            "timeout": 5, "package_type": "Zip", "reserved_concurrent_executions": -1, "environment": [], "layers": null}),
        json!({"function_name": {"constant_value": name}, "role": refers(&["aws_iam_role.r.arn"])}),
        json!({"arn": true, "invoke_arn": true, "id": true}),
    )
}

/// The data source that a package is made by.
fn with_archive(mut plan: Json) -> Json {
    plan["prior_state"] = json!({"values": {"root_module": {"resources": [
        {"address": "data.archive_file.app", "mode": "data", "type": "archive_file", "name": "app",
         "values": {"type": "zip", "source_dir": "./src", "output_path": "./build/app.zip"}}
    ]}}});
    plan
}

#[test]
fn a_function_runs_from_the_folder_that_its_package_is_made_of() {
    let written = translate(
        &with_archive(plan(vec![function("hello")])),
        &["src/app.js"],
    )
    .unwrap();
    written
        .has("region = \"eu-west-1\"")
        .has("[functions.hello]\ncode = \"src\"\nwatch = true\nhandler = \"app.handler\"\nruntime = \"nodejs22.x\"\ntimeout = 5\nmemory = 256");
    assert_eq!(written.refusals, [""; 0]);
    let written = translate(&plan(vec![function("hello")]), &["build/app.zip"]).unwrap();
    written.has("code = \"build/app.zip\"");
}

#[test]
fn queues_buckets_and_variables() {
    let mut hello = function("hello");
    hello[0]["values"]["environment"] = json!([{"variables": {"PLAIN": "x"}}]);
    let variables = refers(&[
        "aws_sqs_queue.jobs.url",
        "aws_s3_bucket.photos.id",
        "aws_dynamodb_table.items.name",
    ]);
    hello[1]["expressions"]["environment"] = json!([{ "variables": variables }]);
    hello[2]["change"]["after_unknown"]["environment"] =
        json!([{"variables": {"BUCKET_OF_PHOTOS": true, "JOBS_QUEUE_URL": true, "TABLE": true}}]);
    let resources = vec![
        hello,
        resource(
            "aws_sqs_queue.jobs",
            json!({"name": "jobs", "visibility_timeout_seconds": 45, "fifo_queue": false}),
            json!({"redrive_policy": refers(&["aws_sqs_queue.dead.arn"])}),
            json!({"arn": true, "url": true, "id": true, "redrive_policy": true}),
        ),
        resource(
            "aws_sqs_queue.dead",
            json!({"name": "dead"}),
            json!({}),
            json!({"arn": true, "url": true}),
        ),
        resource(
            "aws_dynamodb_table.items",
            json!({"name": null}),
            json!({}),
            json!({"name": true, "arn": true}),
        ),
        resource(
            "aws_lambda_event_source_mapping.jobs",
            json!({"batch_size": 5, "enabled": true, "function_response_types": ["ReportBatchItemFailures"],
                "filter_criteria": [{"filter": [{"pattern": "{\"body\":{\"a\":[1]}}"}]}], "scaling_config": [{"maximum_concurrency": 3}]}),
            json!({"event_source_arn": refers(&["aws_sqs_queue.jobs.arn"]), "function_name": refers(&["aws_lambda_function.hello.arn"])}),
            json!({"event_source_arn": true, "function_name": true}),
        ),
        resource(
            "aws_s3_bucket.photos",
            json!({"bucket": "photos"}),
            json!({}),
            json!({"id": true, "arn": true}),
        ),
        resource(
            "aws_s3_bucket_versioning.photos",
            json!({"versioning_configuration": [{"status": "Enabled"}]}),
            json!({"bucket": refers(&["aws_s3_bucket.photos.id"])}),
            json!({"bucket": true}),
        ),
        resource(
            "aws_s3_bucket_notification.photos",
            json!({"lambda_function": [{"events": ["s3:ObjectCreated:*"], "filter_prefix": "in/", "filter_suffix": ""}], "eventbridge": false}),
            json!({"bucket": refers(&["aws_s3_bucket.photos.id"]), "lambda_function": [{"lambda_function_arn": refers(&["aws_lambda_function.hello.arn"])}]}),
            json!({"bucket": true, "lambda_function": [{"lambda_function_arn": true}]}),
        ),
        resource(
            "aws_lambda_permission.photos",
            json!({}),
            json!({}),
            json!({}),
        ),
        resource(
            "aws_iam_role.r",
            json!({"name": "r"}),
            json!({}),
            json!({"arn": true}),
        ),
    ];
    let written = translate(&with_archive(plan(resources)), &["src/app.js"]).unwrap();
    written
        .has("JOBS_QUEUE_URL = \"{queue:jobs}\"")
        .has("PLAIN = \"x\"\nBUCKET_OF_PHOTOS = \"photos\"")
        .has("[queues.jobs]\nVisibilityTimeout = 45")
        .has("deadLetterTargetArn")
        .has("queue = \"jobs\"\nfunction = \"hello\"")
        .has("BatchSize = 5")
        .has("[buckets.photos]\nversioning = true")
        .has("bucket = \"photos\"\nfunction = \"hello\"\nevents = [\"s3:ObjectCreated:*\"]\nprefix = \"in/\"")
        .notes("JOBS_QUEUE_URL is taken to be aws_sqs_queue.jobs.url, by its name")
        .notes("maxReceiveCount of aws_sqs_queue.jobs is not in the plan")
        .notes("aws_lambda_permission");
    assert_eq!(written.refusals, [""; 0]);
}

#[test]
fn modules_count_and_for_each() {
    let mut plan = plan(vec![]);
    let instance = |key: &str| {
        json!({"address": format!("module.fn[\"{key}\"]"), "resources": [
            {"address": format!("module.fn[\"{key}\"].aws_lambda_function.this"), "mode": "managed", "type": "aws_lambda_function", "name": "this",
             "values": {"function_name": format!("fn-{key}"), "handler": "app.handler", "runtime": "nodejs22.x", "filename": "build/app.zip"}},
            {"address": format!("module.fn[\"{key}\"].aws_lambda_function_url.this[0]"), "mode": "managed", "type": "aws_lambda_function_url", "name": "this",
             "index": 0, "values": {"authorization_type": "NONE", "invoke_mode": "BUFFERED"}}
        ]})
    };
    plan["planned_values"]["root_module"] = json!({
        "child_modules": [instance("a"), instance("b/c")],
        "resources": [
            {"address": "aws_sqs_queue.q", "mode": "managed", "type": "aws_sqs_queue", "name": "q", "values": {"name": "q"}},
            {"address": "aws_lambda_event_source_mapping.m", "mode": "managed", "type": "aws_lambda_event_source_mapping", "name": "m", "values": {"enabled": true}}
        ],
    });
    plan["configuration"]["root_module"] = json!({
        "resources": [
            {"mode": "managed", "type": "aws_sqs_queue", "name": "q", "expressions": {}},
            {"mode": "managed", "type": "aws_lambda_event_source_mapping", "name": "m", "expressions": {
                "event_source_arn": refers(&["module.pass.arn"]), "function_name": {"references": ["module.fn[\"a\"].arn", "module.fn[\"a\"]", "module.fn"]}}}
        ],
        "module_calls": {
            "fn": {"source": "./fn", "expressions": {}, "module": {
                "outputs": {"arn": {"expression": refers(&["aws_lambda_function.this.arn"])}},
                "resources": [
                    {"mode": "managed", "type": "aws_lambda_function", "name": "this", "expressions": {}},
                    {"mode": "managed", "type": "aws_lambda_function_url", "name": "this", "expressions": {
                        "function_name": refers(&["aws_lambda_function.this.function_name"])}}
                ]}},
            "pass": {"source": "./pass", "expressions": {"arn": refers(&["aws_sqs_queue.q.arn"])}, "module": {
                "variables": {"arn": {}}, "outputs": {"arn": {"expression": {"references": ["var.arn"]}}}}}
        },
    });
    let written = translate(&with_archive(plan), &["src/app.js"]).unwrap();
    written
        .has("[functions.fn-a]\n")
        .has("[triggers.fn-a-url]\nplugin = \"function-url\"")
        .has("queue = \"q\"\nfunction = \"fn-a\"");
    // The other name cannot be that of a function.
    assert_eq!(
        written.text.matches("handler = ").count(),
        2,
        "{}",
        written.text
    );
}

#[test]
fn values_that_are_known_after_an_apply_are_replaced_by_local_ones() {
    let mut hello = function("hello");
    let url = "https://sqs.eu-west-1.amazonaws.com/210987654321/jobs";
    hello[0]["values"]["environment"] =
        json!([{"variables": {"QUEUE": url, "BOTH": format!("{url}?x=1")}}]);
    hello[1]["expressions"]["environment"] =
        json!([{ "variables": refers(&["aws_sqs_queue.jobs.url"]) }]);
    let queue = resource(
        "aws_sqs_queue.jobs",
        json!({"name": "jobs", "url": url, "id": url}),
        json!({}),
        json!({}),
    );
    let written = translate(&with_archive(plan(vec![hello, queue])), &["src/app.js"]).unwrap();
    written
        .has("QUEUE = \"{queue:jobs}\"")
        .has("BOTH = \"{queue:jobs}?x=1\"");
}

#[test]
fn aliases_destinations_layers_and_schedules() {
    let mut hello = function("hello");
    hello[0]["values"]["layers"] = json!([null]);
    hello[1]["expressions"]["layers"] = refers(&["aws_lambda_layer_version.tools.arn"]);
    hello[2]["change"]["after_unknown"]["layers"] = json!([true]);
    let resources = vec![
        hello,
        function("other"),
        resource(
            "aws_lambda_layer_version.tools",
            json!({"layer_name": "tools", "filename": "layers/tools.zip"}),
            json!({}),
            json!({"arn": true}),
        ),
        resource(
            "aws_lambda_alias.live",
            json!({"name": "live", "function_name": "hello"}),
            json!({"function_name": refers(&["aws_lambda_function.hello.function_name"]), "function_version": refers(&["aws_lambda_function.hello.version"])}),
            json!({"function_version": true}),
        ),
        resource(
            "aws_lambda_provisioned_concurrency_config.live",
            json!({"function_name": "hello", "qualifier": "live", "provisioned_concurrent_executions": 2}),
            json!({"function_name": refers(&["aws_lambda_function.hello.function_name"])}),
            json!({}),
        ),
        resource(
            "aws_lambda_function_event_invoke_config.hello",
            json!({"function_name": "hello", "maximum_retry_attempts": 1, "destination_config": [{"on_failure": [{}]}]}),
            json!({"function_name": refers(&["aws_lambda_function.hello.function_name"]),
                "destination_config": [{"on_failure": [{"destination": refers(&["aws_lambda_function.other.arn"])}]}]}),
            json!({"destination_config": [{"on_failure": [{"destination": true}]}]}),
        ),
        resource(
            "aws_cloudwatch_event_rule.daily",
            json!({"name": "daily", "schedule_expression": "rate(1 day)"}),
            json!({}),
            json!({"arn": true}),
        ),
        resource(
            "aws_cloudwatch_event_target.daily",
            json!({"rule": "daily"}),
            json!({"rule": refers(&["aws_cloudwatch_event_rule.daily.name"]), "arn": refers(&["aws_lambda_function.hello.arn"])}),
            json!({"arn": true}),
        ),
        resource(
            "aws_sns_topic.news",
            json!({"name": "news"}),
            json!({}),
            json!({"arn": true}),
        ),
        resource(
            "aws_sns_topic_subscription.news",
            json!({"protocol": "lambda"}),
            json!({"topic_arn": refers(&["aws_sns_topic.news.arn"]), "endpoint": refers(&["aws_lambda_function.hello.arn"])}),
            json!({"topic_arn": true, "endpoint": true}),
        ),
        resource(
            "aws_sfn_state_machine.flow",
            json!({"name": "flow"}),
            json!({}),
            json!({"arn": true}),
        ),
        resource("aws_batch_job_queue.x", json!({}), json!({}), json!({})),
    ];
    let written = translate(
        &with_archive(plan(resources)),
        &["src/app.js", "layers/tools.zip"],
    )
    .unwrap();
    written
        .has("layers = [\"layers/tools.zip\"]")
        .has("live = \"1\"")
        .has("provisioned-concurrency = 2")
        .has("maximum-retry-attempts = 1\non-failure = \"other\"")
        .refuses("aws_cloudwatch_event_rule.daily")
        .refuses("aws_sns_topic_subscription.news")
        .refuses("aws_sfn_state_machine.flow")
        .notes("resources of these types are not served here: aws_batch_job_queue");
}

#[test]
fn what_is_not_a_plan_is_refused_with_a_way_out() {
    let error = |json: &Json| translate(json, &[]).err().unwrap();
    assert!(
        error(&json!({"a": 1}))
            .starts_with("plan.json:1:1: this is not a plan of Terraform as JSON")
    );
    let state = json!({"terraform_version": "1.9.0", "values": {"root_module": {}}});
    assert!(error(&state).contains("this is a state, not a plan"));
    let mut call = json!({"module": {}});
    for _ in 0..30 {
        call = json!({"module": {"module_calls": {"m": call}}});
    }
    let deep = json!({"planned_values": {"root_module": {}}, "configuration": {"root_module": {"module_calls": {"m": call}}}});
    assert!(error(&deep).contains("deep"), "{}", error(&deep));
}

#[test]
fn references_that_lead_nowhere_do_no_harm() {
    let resources = vec![
        resource(
            "aws_lambda_function.f",
            json!({"handler": "app.handler", "runtime": "nodejs22.x"}),
            json!({"function_name": refers(&["local.name"]), "filename": refers(&["data.archive_file.app.output_path"]),
                "environment": [{"variables": refers(&["aws_db_instance.d.endpoint", "var.loop", "module.none.x"])}]}),
            json!({"function_name": true, "filename": true, "environment": [{"variables": {"DB": true, "X": true}}]}),
        ),
        resource(
            "aws_db_instance.d",
            json!({}),
            json!({}),
            json!({"endpoint": true}),
        ),
    ];
    let written = translate(&with_archive(plan(resources)), &["src/app.js"]).unwrap();
    written
        .has("code = \"src\"")
        .has("[functions.aws_lambda_function-f]")
        .notes("aws_db_instance");
}

#[test]
fn variables_that_are_not_known_at_all_are_told() {
    let mut hello = function("hello");
    hello[0]["values"]["environment"] = json!([{}]);
    hello[1]["expressions"]["environment"] =
        json!([{"variables": refers(&["aws_sqs_queue.jobs.url"])}]);
    hello[2]["change"]["after_unknown"]["environment"] = json!([{"variables": true}]);
    let queue = resource(
        "aws_sqs_queue.jobs",
        json!({"name": "jobs"}),
        json!({}),
        json!({"url": true}),
    );
    let mut all_unknown = hello.clone();
    all_unknown[0]["values"]["environment"] = json!([{"variables": {}}]);
    all_unknown[2]["change"]["after_unknown"]["environment"] =
        json!([{"variables": {"URL": true}}]);
    let plan_of_it = with_archive(plan(vec![all_unknown, queue.clone()]));
    let written = translate(&plan_of_it, &["src/app.js"]).unwrap();
    written.has("URL = \"{queue:jobs}\"");
    let written = translate(&with_archive(plan(vec![hello, queue])), &["src/app.js"]).unwrap();
    written
        .has("[functions.hello]")
        .notes("the environment variables of aws_lambda_function.hello are known after terraform apply only");
    assert_eq!(written.refusals, [""; 0]);
}

#[test]
fn what_a_module_builds_its_package_from_is_what_runs() {
    let metadata = resource(
        "null_resource.sam_metadata_aws_lambda_function",
        json!({"triggers": {"resource_name": "aws_lambda_function.hello", "resource_type": "ZIP_LAMBDA_FUNCTION",
            "original_source_code": "[{\"path\": \"./src\", \"pip_requirements\": true}]", "source_code_property": "path"}}),
        json!({}),
        json!({}),
    );
    let written = translate(&plan(vec![function("hello"), metadata]), &["src/app.js"]).unwrap();
    written.has("code = \"src\"");
    let [values, configured, _] = function("hello");
    let mut called = plan(vec![]);
    let mut values = values;
    values["address"] = json!("module.fn.aws_lambda_function.hello");
    called["planned_values"]["root_module"] =
        json!({"child_modules": [{"address": "module.fn", "resources": [values]}]});
    called["configuration"]["root_module"] = json!({"module_calls": {"fn": {
        "expressions": {"source_path": {"constant_value": "src"}}, "module": {"resources": [configured]}}}});
    translate(&called, &["src/app.js"])
        .unwrap()
        .has("code = \"src\"");
}
