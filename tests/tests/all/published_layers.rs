//! Layers that others publish, made of the packages that they are built from: Powertools for Python and TypeScript, and
//! AWS's distribution of OpenTelemetry. The AWS Lambda Web Adapter is tested as a layer in `web_apps`.

use std::os::unix::fs::symlink;
use std::process::Command;

use serde_json::Value;

use crate::support::{
    Missing, MockServer, Project, Server, eventually, installed, interpreter, lambkin,
};

/// The runtime of the `python3` for which the packages were installed.
fn python() -> Result<String, Missing> {
    interpreter("python3")?;
    let script = "import sys; print('python%d.%d' % sys.version_info[:2])";
    let output = Command::new("python3")
        .args(["-c", script])
        .output()
        .unwrap();
    Ok(String::from_utf8(output.stdout).unwrap().trim().to_owned())
}

/// The JSON lines of a log that have this key.
fn lines_with(server: &Server, key: &str) -> Vec<Value> {
    let log = server.log();
    let lines = log.lines().filter_map(|line| {
        let start = line.find('{')?;
        serde_json::from_str::<Value>(&line[start..]).ok()
    });
    lines.filter(|line| line.get(key).is_some()).collect()
}

/// Checks what the Powertools have written in two calls with these ids.
#[track_caller]
fn check_records(server: &Server, ids: &[Value; 2]) {
    eventually("the records of both calls", || {
        lines_with(server, "Orders").len() == 2
    });
    let records = lines_with(server, "function_request_id");
    for ((record, id), cold) in records.iter().zip(ids).zip([true, false]) {
        assert_eq!(record["function_request_id"], *id);
        assert_eq!(record["cold_start"], cold);
        assert_eq!(record["service"], "orders");
        assert_eq!(record["function_name"], "f");
        assert_eq!(record["function_memory_size"], "128");
        assert_eq!(record["message"], "taken");
    }
    let cold_starts = lines_with(server, "ColdStart");
    assert_eq!(cold_starts.len(), 1, "{cold_starts:?}");
    let definition = &cold_starts[0]["_aws"]["CloudWatchMetrics"][0];
    assert_eq!(definition["Namespace"], "shop");
}

#[test]
fn powertools_for_python_log_and_measure_from_a_layer() {
    let (Ok(runtime), Ok(packages)) = (python(), installed("web-apps/python")) else {
        return;
    };
    let project = Project::new(&format!(
        "[functions.f]\ncode = 'code'\nhandler = 'app.handler'\nruntime = '{runtime}'\nlayers = ['layer']\ntimeout = 30\n\
         environment = {{ POWERTOOLS_SERVICE_NAME = 'orders', POWERTOOLS_METRICS_NAMESPACE = 'shop' }}\n"
    ));
    project.file(
        "code/app.py",
        "from aws_lambda_powertools import Logger, Metrics\nfrom aws_lambda_powertools.metrics import MetricUnit\n\
         logger, metrics = Logger(), Metrics()\n\
         @metrics.log_metrics(capture_cold_start_metric=True)\n@logger.inject_lambda_context\n\
         def handler(event, context):\n    logger.info('taken', order=event)\n\
         \x20   metrics.add_metric(name='Orders', unit=MetricUnit.Count, value=1)\n    return context.aws_request_id\n",
    );
    project.file("layer/README", "");
    symlink(packages, project.path().join("layer/python")).unwrap();
    let server = project.serve();
    let ids = [
        server.invoke("f", "7").json(),
        server.invoke("f", "8").json(),
    ];
    check_records(&server, &ids);
}

#[test]
fn powertools_for_typescript_log_and_measure_from_a_layer() {
    let (Ok(()), Ok(packages)) = (interpreter("node"), installed("clients/node/node_modules"))
    else {
        return;
    };
    let project = Project::new(
        "[functions.f]\ncode = 'code'\nhandler = 'index.handler'\nlayers = ['layer']\ntimeout = 30\n\
         environment = { POWERTOOLS_SERVICE_NAME = 'orders' }\n",
    );
    project.file(
        "code/index.mjs",
        "import { Logger } from '@aws-lambda-powertools/logger';\n\
         import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';\n\
         const logger = new Logger(), metrics = new Metrics({ namespace: 'shop' });\n\
         export const handler = async (event, context) => {\n  logger.addContext(context);\n\
         \x20 logger.info('taken', { order: event });\n  metrics.captureColdStartMetric(context.functionName);\n\
         \x20 metrics.addMetric('Orders', MetricUnit.Count, 1);\n  metrics.publishStoredMetrics();\n\
         \x20 return context.awsRequestId;\n};\n",
    );
    project.file("layer/nodejs/README", "");
    symlink(packages, project.path().join("layer/nodejs/node_modules")).unwrap();
    let server = project.serve();
    let ids = [
        server.invoke("f", "7").json(),
        server.invoke("f", "8").json(),
    ];
    check_records(&server, &ids);
}

/// A project whose layer is AWS's distribution of OpenTelemetry for Python.
fn traced(sandbox: &str, collector: &str) -> Result<Project, Missing> {
    let (runtime, packages) = (python()?, installed("layers/adot/python")?);
    let project = Project::new(&format!(
        "[functions.f]\ncode = 'code'\nhandler = 'app.handler'\nruntime = '{runtime}'\nlayers = ['layer']\ntimeout = 60\n\
         memory = 512\nsandbox = '{sandbox}'\n[functions.f.environment]\nAWS_LAMBDA_EXEC_WRAPPER = '/opt/otel-instrument'\n\
         OTEL_EXPORTER_OTLP_TRACES_ENDPOINT = '{collector}/v1/traces'\n"
    ));
    project.file(
        "code/app.py",
        "def handler(event, context):\n    return context.aws_request_id\n",
    );
    project.executable(
        "layer/otel-instrument",
        include_str!("../../fixtures/layers/adot/otel-instrument"),
    );
    let copied = Command::new("cp")
        .arg("-r")
        .args([packages, project.path().join("layer/python")])
        .status();
    assert!(copied.unwrap().success());
    Ok(project)
}

#[test]
fn opentelemetry_of_aws_traces_a_python_handler_from_a_layer() {
    let collector = MockServer::start(|_| Some((200, String::new())));
    let Ok(project) = traced("namespace", collector.url()) else {
        return;
    };
    let server = project.serve();
    let id = server.invoke("f", "7").json();
    let id = id
        .as_str()
        .unwrap_or_else(|| panic!("{id}: {}", server.log()));
    eventually("the spans of the call", || {
        let requests = collector.requests();
        let mut bodies = requests.iter().map(|request| &request.body);
        bodies.any(|body| body.contains("faas.invocation_id") && body.contains(id))
    });
}

#[test]
fn a_layer_that_names_files_in_opt_is_said_to_need_a_sandbox() {
    let Ok(project) = traced("process", "http://127.0.0.1:1") else {
        return;
    };
    let server = project.serve();
    server.log_with("layer/otel-instrument uses /opt/python");
    server.log_with("and layers are at /opt only in a sandbox; set sandbox = \"namespace\"");
}

#[test]
fn code_and_layers_that_are_too_large_for_aws_are_noted_by_a_check() {
    let project = Project::echo("layers = ['one', 'two']");
    for (layer, megabytes) in [("one", 100), ("two", 151)] {
        let file = project.file(&format!("{layer}/lib/large"), "");
        // A file with a hole takes no space.
        let file = std::fs::File::options().write(true).open(file).unwrap();
        file.set_len(megabytes * 1024 * 1024).unwrap();
    }
    let output = lambkin()
        .arg("check")
        .current_dir(project.path())
        .output()
        .unwrap();
    let notes = String::from_utf8_lossy(&output.stderr);
    let note = "function echo: its code and layers are larger than the 250 MB that AWS allows";
    assert!(notes.contains(note), "{notes}");
    assert_eq!(output.status.code(), Some(0), "it is a note: {notes}");
}
