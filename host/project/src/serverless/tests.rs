//! What a serverless.yml becomes.

use std::collections::BTreeMap;

use super::read;
use crate::context::{Context, Options};
use crate::testing::Translated;

/// A service of these files, the first of which is the one that is read.
fn translate(files: &[(&str, &str)], options: Options) -> Result<Translated, String> {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    let context = Context::new(Options {
        folder: folder.path().to_owned(),
        ..options
    });
    let path = folder.path().join(files.first().unwrap().0);
    let shown = format!("{}/", folder.path().display());
    let template = read(&context, &path).map_err(|error| error.to_string().replace(&shown, ""))?;
    let stack =
        crate::template::resolve(&context, vec![template]).map_err(|error| error.to_string())?;
    let document = crate::sections::write(&context, &stack);
    let files = context.files();
    let shortened =
        |lines: Vec<String>| lines.iter().map(|line| line.replace(&shown, "")).collect();
    Ok(Translated {
        text: document.print().text,
        notes: shortened(context.report.notes(&files)),
        refusals: shortened(context.report.refusals(&files)),
        outputs: Vec::new(),
    })
}

/// A service with a function `hello`, with these lines for it, and these further sections.
fn service(function: &str, sections: &str) -> Translated {
    let text = format!(
        "service: s\nprovider: {{name: aws, runtime: nodejs22.x}}\nfunctions:\n  hello:\n    handler: handler.hello\n{function}{sections}"
    );
    let files = [
        ("serverless.yml", text.as_str()),
        ("handler.js", "exports.hello = 1"),
        ("tools/tool.txt", ""),
        ("node_modules/esbuild/package.json", "{}"),
    ];
    translate(&files, Options::default()).unwrap()
}

fn error(text: &str) -> String {
    let translated = translate(&[("serverless.yml", text)], Options::default());
    translated.err().expect("it is a mistake")
}

#[test]
fn routes_of_both_kinds_of_apis() {
    let written = service(
        "    events:\n      - httpApi: 'GET /a/{id}'\n      - http: POST /b\n",
        "",
    );
    written
        .has("[functions.s-dev-hello]\n")
        .has("handler = \"handler.hello\"")
        .has("other-names = [\"HelloLambdaFunction\", \"hello\"]")
        .has("plugin = \"api-gateway-rest\"\nlisten = \"127.0.0.1:3000\"\nstage = \"dev\"")
        .has("\"POST /b\" = \"s-dev-hello\"")
        .has("\"GET /a/{id}\" = \"s-dev-hello\"");
    assert_eq!(written.refusals, [""; 0]);
}

#[test]
fn a_queue_in_a_variable_has_its_local_url() {
    let function = "    environment:\n      URL: !Ref Jobs\n    events:\n      - sqs: {arn: !GetAtt Jobs.Arn, batchSize: 5}\n";
    service(function, "resources:\n  Resources:\n    Jobs: {Type: AWS::SQS::Queue, Properties: {QueueName: jobs}}\n")
        .has("URL = \"{queue:jobs}\"")
        .has("[queues.jobs]")
        .has("queue = \"jobs\"\nfunction = \"s-dev-hello\"");
}

#[test]
fn what_is_not_served_is_refused_with_its_place() {
    service("    events:\n      - cloudwatchLog: /aws/x\n      - htpApi: '*'\n", "")
        .refuses("serverless.yml:7:9: cloudwatchLog events are not emulated, so nothing calls hello; invoke it with: lambkin invoke s-dev-hello event.json")
        .refuses("serverless.yml:8:9: htpApi is not a type of events: `httpApi` may be meant");
    service(
        "    events:\n      - httpApi: FETCH /x\n      - http: {path: /y}\n",
        "",
    )
    .refuses(
        "serverless.yml:7:9: the route of an httpApi event of hello is not a method and a path",
    )
    .refuses(
        "serverless.yml:8:9: the route of an http event of hello needs a `method` and a `path`",
    );
    service("    events:\n      - httpApi: GET /x\n      - httpApi: GET /x\n      - sns: {arn: !Ref T}\n", "")
        .refuses("the route GET /x occurs twice")
        .refuses("add `topicName: NAME`");
    service("    events:\n      - httpApi: GET /${ssm:/path}\n", "")
        .refuses("is not known: `${ssm:/path}` is in AWS Systems Manager");
}

#[test]
fn files_that_are_no_services_are_refused() {
    assert!(error("- a\n").contains("not a list"));
    assert!(error("provider: aws\n").contains("the service has no name"));
    assert!(error("service: s\n").contains("no provider"));
    let google = error("service: s\nprovider:\n  name: google\n");
    assert!(
        google.starts_with("serverless.yml:3:9: the provider is google"),
        "{google}"
    );
    assert!(
        error("service: s\nprovider: aws\nfunctions: {a: 1}\n")
            .contains("the function a is a text")
    );
    let program = translate(
        &[("serverless.ts", "export default {}")],
        Options::default(),
    );
    assert!(program.err().unwrap().contains("npx osls package"));
    let outside = error("service: ${file(/etc/passwd)}\nprovider: aws\n");
    assert!(outside.contains("outside of the project"), "{outside}");
}

#[test]
fn variables_have_values_from_options_files_and_the_user() {
    let text = "service: s\nuseDotenv: true\nprovider:\n  name: aws\n  runtime: nodejs22.x\n  stage: ${opt:stage, 'dev'}\nfunctions:\n  hello:\n    \
                handler: handler.hello\n    environment:\n      A: ${env:LAMBKIN_TEST_OF_DOTENV}\n      B: ${ssm:/b}\n      C: ${ssm:/c, 'c'}\n      \
                D: ${param:d}\n      E: ${file(x.js):e}\n      F: ${cf:stack.out}\n";
    let files = [
        ("serverless.yml", text),
        ("handler.js", ""),
        (".env.prod", "LAMBKIN_TEST_OF_DOTENV=from prod\n"),
        (".env", "LAMBKIN_TEST_OF_DOTENV=no\n"),
    ];
    let options = Options {
        stage: Some("prod".to_owned()),
        parameters: BTreeMap::from(
            [("ssm:/b", "from user"), ("d", "4"), ("file(x.js):e", "e")]
                .map(|(key, value)| (key.to_owned(), value.to_owned())),
        ),
        ..Options::default()
    };
    let written = translate(&files, options).unwrap();
    written
        .has("[functions.s-prod-hello.environment]\nA = \"from prod\"\nB = \"from user\"\nC = \"c\"\nD = \"4\"\nE = \"e\"\nF = \"\"")
        .notes("serverless.yml:13:10: `${ssm:/c}` is in AWS Systems Manager's Parameter Store")
        .notes("its fallback, \"c\", is used")
        .notes("`${cf:stack.out}` is an output of a stack on AWS: give it with --parameter");
}

#[test]
fn settings_of_serverless_offline_say_where_apis_are() {
    let events = "    events:\n      - http: {path: /a, method: get, authorizer: hello}\n      - httpApi: GET /b\n      - websocket: $connect\n";
    let custom = "plugins: [serverless-offline]\ncustom:\n  serverless-offline: {httpPort: 4000, websocketPort: 4001, host: localhost, \
                  prefix: /api, noAuth: true, lambdaPort: 4002, ignoreJWTSignature: true}\n";
    let written = service(events, custom);
    written
        .has("plugin = \"api-gateway-rest\"\nlisten = \"127.0.0.1:4000\"\nstage = \"dev\"\nbase-path = \"api\"")
        .has("plugin = \"api-gateway-websocket\"\nlisten = \"127.0.0.1:4001\"")
        .notes("noAuth: the authorizers of http, httpApi and websocket events are not asked")
        .notes("not 4002; `--compat offline` moves it to 3002")
        .notes("without an effect here: ignoreJWTSignature")
        .notes("httpApi events are not served at the port 4000");
    assert!(!written.text.contains("authorizer"), "{}", written.text);
}

#[test]
fn plugins_that_change_code_are_named() {
    let custom = "plugins: [serverless-esbuild, serverless-webpack, serverless-prune-plugin, serverless-dynamodb-local, my-own]\n\
                  custom:\n  esbuild: {minify: true, target: node20, external: [sharp], exclude: [pg], keepNames: true, packager: yarn}\n";
    service("", custom)
        .has("external = [\"sharp\", \"pg\"]\ntarget = \"node20\"\narguments = [\"--keep-names\"]")
        .notes("serverless-webpack is not run")
        .notes("plugins without an effect here: serverless-prune-plugin")
        .notes("AWS_ENDPOINT_URL_DYNAMODB")
        .notes("the plugin my-own is not run: what it adds to the service is missing");
    let wsgi = "service: s\nprovider: {name: aws, runtime: python3.12}\nplugins: [serverless-wsgi]\nfunctions:\n  api: {handler: wsgi_handler.handler}\n\
                stepFunctions: {stateMachines: {}}\n";
    let written = translate(&[("serverless.yml", wsgi)], Options::default()).unwrap();
    written
        .refuses("serverless.yml:5:18: the handler wsgi_handler.handler of api is a file that serverless-wsgi adds")
        .refuses("serverless.yml:6:1: stepFunctions: state machines are not run");
}

#[test]
fn a_layer_of_the_service_is_its_folder() {
    let written = service(
        "    layers: [!Ref ToolsLambdaLayer]\n",
        "layers:\n  tools: {path: tools}\n  empty: {name: x}\n",
    );
    written
        .has("layers = [\"tools\"]")
        .refuses("the layer empty has neither `path` nor `package.artifact`");
}

#[test]
fn a_bucket_that_exists_is_made_here() {
    let event = "    events:\n      - s3: {bucket: theirs, existing: true, event: 's3:ObjectRemoved:*', rules: [{prefix: in/}]}\n";
    service(event, "")
        .has("[buckets.theirs]")
        .has("bucket = \"theirs\"\nfunction = \"s-dev-hello\"\nevents = [\"s3:ObjectRemoved:*\"]\nprefix = \"in/\"")
        .notes("the bucket theirs exists on AWS; here it is made, and empty");
}

#[test]
fn pseudo_parameters_of_the_plugin_are_those_of_cloudformation() {
    let function = "    environment: {WHERE: 'in #{AWS::Region}'}\n";
    service(function, "plugins: [serverless-pseudo-parameters]\n").has("WHERE = \"in us-east-1\"");
}

#[test]
fn keys_that_are_mistyped_are_told() {
    let written = service(
        "    memorysize: 128\n    events:\n      - alexaSkill\n    ownOfAPlugin: 1\n",
        "resource: {}\n",
    );
    written
        .notes("serverless.yml:6:5: functions.hello.memorysize is not a setting of the Serverless Framework; `memorySize` may be meant")
        .notes("serverless.yml:10:1: resource is not a setting of the Serverless Framework; `resources` may be meant")
        .refuses("alexaSkill events are not emulated");
    assert_eq!(written.notes.len(), 2, "{:#?}", written.notes);
}

#[test]
fn an_image_of_the_service_says_how_it_is_built() {
    let text = "service: s\nprovider:\n  name: aws\n  ecr: {images: {app: {path: app, file: Own.dockerfile}, theirs: {uri: 'public.ecr.aws/a/b:1'}}}\n\
                functions:\n  own: {image: {name: app, command: [app.handler]}}\n  theirs: {image: theirs}\n";
    let written = translate(
        &[("serverless.yml", text), ("app/Own.dockerfile", "")],
        Options::default(),
    )
    .unwrap();
    written
        .refuses("docker build")
        .refuses("app/Own.dockerfile")
        .has("[functions.s-dev-theirs]\nimage = \"public.ecr.aws/a/b:1\"");
}

#[test]
fn what_older_versions_fill_in_has_a_value() {
    service("    environment: {TABLE: '${self:service}-${opt:stage, self:provider.stage}-${self:provider.region}'}\n", "ai: {}\n")
        .has("TABLE = \"s-dev-us-east-1\"")
        .notes("the section ai is not read");
}

#[test]
fn a_variable_of_all_functions_without_a_value_is_told_once() {
    let text = "service: s\nprovider: {name: aws, runtime: nodejs22.x, environment: {ID: '${file(./secrets.json):ID}'}}\n\
                functions:\n  one: {handler: handler.one}\n  two: {handler: handler.two}\n";
    let files = [("serverless.yml", text), ("handler.js", "")];
    let written = translate(&files, Options::default()).unwrap();
    let empty = |note: &&String| note.contains("ID is empty, as its value is not known here");
    assert_eq!(
        written.notes.iter().filter(empty).count(),
        1,
        "{:#?}",
        written.notes
    );
    written.notes("there is no file secrets.json");
    assert_eq!(written.text.matches("ID = \"\"").count(), 2);
}

#[test]
fn handlers_in_typescript_without_esbuild_are_told_once() {
    let text = "service: s\nprovider: {name: aws, runtime: nodejs22.x}\nfunctions:\n  one: {handler: one.handler}\n  \
                two: {handler: two.handler}\n";
    let files = [("serverless.yml", text), ("one.ts", ""), ("two.ts", "")];
    let written = translate(&files, Options::default()).unwrap();
    assert_eq!(written.notes.len(), 1, "{:#?}", written.notes);
    written.notes("functions are in TypeScript");
}
