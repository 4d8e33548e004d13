//! Functions, with their URLs, aliases and settings of asynchronous calls, and layers.
//!
//! Contract: for each function the resources `…LambdaFunction` and, as it asks for them, `…LambdaFunctionUrl`,
//! `…LambdaEvConf`, an alias and its version. Settings of the provider are defaults; `environment` is merged.

use super::names;
use super::service::{Function, Service};
use crate::cfn::{self, Body, Compiled};
use crate::value::{Kind, Map, Value};

/// The metadata that says by which other name a function is known.
pub const KEY: &str = "SamResourceId";

/// The runtime of a function that does not say.
const RUNTIME: &str = "nodejs24.x";

/// The memory of a function that does not say, in MB.
const MEMORY: u32 = 1024;

/// The timeout of a function that does not say, in seconds.
const TIMEOUT: u32 = 6;

/// What CORS of a function URL allows unless it says.
const URL_CORS_HEADERS: [&str; 6] = [
    "Content-Type",
    "X-Amz-Date",
    "Authorization",
    "X-Api-Key",
    "X-Amz-Security-Token",
    "X-Amzn-Trace-Id",
];

/// Adds the functions and layers of a service.
pub fn compile(service: &Service<'_>, compiled: &mut Compiled) {
    for (key, layer) in service.layers.members() {
        compile_layer(service, key, layer, compiled);
    }
    for function in service.functions.values() {
        let id = function.id();
        compiled.add(&id, "AWS::Lambda::Function", properties(service, function));
        if let Some(metadata) = image_metadata(service, function) {
            compiled.add_metadata(&id, &metadata);
        }
        // It is found by its key, too.
        let key = Body::new(function.place).text(KEY, &function.key).done();
        compiled.add_metadata(&id, &key);
        let mut ids = vec![id];
        compile_alias(function, compiled, &mut ids);
        compile_url(function, compiled, &mut ids);
        compile_asynchronous(service, function, compiled, &mut ids);
        if let Some(condition) = function.get("condition") {
            for id in ids {
                compiled.set(&id, "Condition", condition.clone());
            }
        }
    }
}

fn properties(service: &Service<'_>, function: &Function) -> Body {
    let place = function.place;
    let value = &function.value;
    let provider = &service.provider;
    let setting = |key: &'static str| service.setting(function, key);
    let mut body = Body::new(place);
    match function.get("image") {
        Some(image) => {
            let config = Body::new(image.place).take(
                image,
                &[
                    ("Command", "command"),
                    ("EntryPoint", "entryPoint"),
                    ("WorkingDirectory", "workingDirectory"),
                ],
            );
            body = body
                .set("Code", image_code(service, function, image))
                .text("PackageType", "Image");
            if !config.is_empty() {
                body = body.set("ImageConfig", config.done());
            }
        }
        None => {
            if function.get("handler").is_none() {
                service.refuse(
                    place,
                    format!(
                        "the function {} has no handler: write `handler: FILE.FUNCTION`",
                        function.key
                    ),
                );
            }
            body = body
                .set("Code", code(service, function))
                .take(value, &[("Handler", "handler")])
                .set(
                    "Runtime",
                    setting("runtime")
                        .cloned()
                        .unwrap_or_else(|| Value::text(place, RUNTIME)),
                );
        }
    }
    let default = |key: &'static str, default: u32| {
        let is_set = |value: &&Value| value.as_integer() != Some(0);
        setting(key)
            .filter(is_set)
            .cloned()
            .unwrap_or_else(|| Value::plain(place, default))
    };
    body = body
        .set("FunctionName", function.name.clone())
        .set("MemorySize", default("memorySize", MEMORY))
        .set("Timeout", default("timeout", TIMEOUT))
        .take(
            value,
            &[
                ("Description", "description"),
                ("RecursiveLoop", "recursiveLoop"),
                ("ReservedConcurrentExecutions", "reservedConcurrency"),
            ],
        );
    if let Some(architecture) = setting("architecture") {
        body = body.set(
            "Architectures",
            Value::list(architecture.place, vec![architecture.clone()]),
        );
    }
    if function.get("snapStart").is_some_and(is_true) {
        body = body.set(
            "SnapStart",
            Body::new(place).text("ApplyOn", "PublishedVersions").done(),
        );
    }
    if let Some(size) = function.get("ephemeralStorageSize") {
        body = body.set(
            "EphemeralStorage",
            Body::new(size.place).set("Size", size.clone()).done(),
        );
    }
    if let Some(target) = function.get("onError") {
        body = body.set(
            "DeadLetterConfig",
            Body::new(target.place)
                .set("TargetArn", target.clone())
                .done(),
        );
    }
    if let Some(key) = setting("kmsKeyArn") {
        body = body.set("KmsKeyArn", key.clone());
    }
    if let Some(durable) = function.get("durableConfig") {
        let config = Body::new(durable.place).take(
            durable,
            &[
                ("ExecutionTimeout", "executionTimeout"),
                ("RetentionPeriodInDays", "retentionPeriodInDays"),
            ],
        );
        body = body.set("DurableConfig", config.done());
    }
    if let Some(tags) = both(provider.get("tags"), function.get("tags")) {
        body = body.set("Tags", cfn::tags(place, &tags));
    }
    if let Some(environment) = both(provider.get("environment"), function.get("environment")) {
        let variables = Body::new(environment.place).set("Variables", environment);
        body = body.set("Environment", variables.done());
    }
    body = body
        .set_some("Role", role(service, function))
        .set_some("VpcConfig", vpc(service, function));
    if let Some(system) = function.get("fileSystemConfig") {
        let config = Body::new(system.place).take(
            system,
            &[("Arn", "arn"), ("LocalMountPath", "localMountPath")],
        );
        body = body.set(
            "FileSystemConfigs",
            Value::list(system.place, vec![config.done()]),
        );
    }
    let tracing = function
        .get("tracing")
        .or_else(|| provider.at(&["tracing", "lambda"]));
    if let Some(tracing) = tracing.filter(|tracing| tracing.as_bool() != Some(false)) {
        let mode = match tracing.as_bool() {
            Some(_) => Value::text(tracing.place, "Active"),
            None => tracing.clone(),
        };
        body = body.set(
            "TracingConfig",
            Body::new(tracing.place).set("Mode", mode).done(),
        );
    }
    if let Some(layers) = setting("layers") {
        body = body.set("Layers", layers.clone());
    }
    if let Some(logs) = function
        .get("logs")
        .or_else(|| provider.at(&["logs", "lambda"]))
    {
        let config = Body::new(logs.place).take(
            logs,
            &[
                ("ApplicationLogLevel", "applicationLogLevel"),
                ("LogFormat", "logFormat"),
                ("LogGroup", "logGroup"),
                ("SystemLogLevel", "systemLogLevel"),
            ],
        );
        if !config.is_empty() {
            body = body.set("LoggingConfig", config.done());
        }
    }
    body
}

/// The code of a function: its package, or the folder of the service.
fn code(service: &Service<'_>, function: &Function) -> Value {
    let artifact = function
        .value
        .at(&["package", "artifact"])
        .or_else(|| service.package.get("artifact"));
    match artifact {
        Some(artifact) => artifact.clone(),
        None => Value::text(function.place, "."),
    }
}

fn image_code(service: &Service<'_>, function: &Function, image: &Value) -> Value {
    let place = image.place;
    let name = image.get("name").or_else(|| image.as_str().map(|_| image));
    let uri = match image_definition(service, function) {
        // What the image is built from is in the metadata.
        Some(definition) => match definition
            .get("uri")
            .or_else(|| definition.as_str().map(|_| definition))
        {
            Some(uri) => uri.clone(),
            None => Value::text(place, format!("{}:latest", function.key)),
        },
        None => image
            .get("uri")
            .or(name)
            .cloned()
            .unwrap_or_else(|| Value::null(place)),
    };
    Body::new(place).set("ImageUri", uri).done()
}

/// What `provider.ecr.images` says of a function's image.
fn image_definition<'s>(service: &'s Service<'_>, function: &'s Function) -> Option<&'s Value> {
    let image = function.get("image")?;
    let name = image
        .get("name")
        .or_else(|| image.as_str().map(|_| image))?;
    service.provider.at(&["ecr", "images", name.as_str()?])
}

/// What an image is built from, as SAM says it.
fn image_metadata(service: &Service<'_>, function: &Function) -> Option<Value> {
    let definition = image_definition(service, function)?;
    let keys = [
        ("DockerContext", "path"),
        ("Dockerfile", "file"),
        ("DockerBuildArgs", "buildArgs"),
    ];
    let body = Body::new(definition.place).take(definition, &keys);
    (!body.is_empty()).then(|| body.done())
}

fn role(service: &Service<'_>, function: &Function) -> Option<Value> {
    let role = function.get("role");
    let role = role.or_else(|| {
        service
            .provider
            .at(&["iam", "role"])
            .filter(|role| role.as_str().is_some())
    });
    let role = role.or_else(|| {
        let is_custom = |role: &&Value| {
            role.as_map()
                .and_then(Map::only)
                .is_some_and(|(key, _)| key.starts_with("Fn::"))
        };
        service.provider.at(&["iam", "role"]).filter(is_custom)
    });
    let role = role.or_else(|| service.provider.get("role"))?;
    match role.as_str() {
        Some(id) if !id.starts_with("arn:") => Some(cfn::attribute(role.place, id, "Arn")),
        _ => Some(role.clone()),
    }
}

fn vpc(service: &Service<'_>, function: &Function) -> Option<Value> {
    if function
        .value
        .as_map()?
        .get("vpc")
        .is_some_and(|vpc| vpc.is_null() || vpc.as_bool() == Some(false))
    {
        return None;
    }
    let of = |key: &str| {
        let own = function.get("vpc").and_then(|vpc| vpc.get(key));
        own.or_else(|| service.provider.at(&["vpc", key]))
    };
    let (groups, subnets) = (of("securityGroupIds")?, of("subnetIds")?);
    let config = Body::new(groups.place)
        .set_some(
            "Ipv6AllowedForDualStack",
            of("ipv6AllowedForDualStack").cloned(),
        )
        .set("SecurityGroupIds", groups.clone())
        .set("SubnetIds", subnets.clone());
    Some(config.done())
}

fn compile_alias(function: &Function, compiled: &mut Compiled, ids: &mut Vec<String>) {
    let Some(alias) = function.alias else {
        return;
    };
    let place = function.place;
    let version = format!("{}LambdaVersion", function.prefix());
    let body = Body::new(place)
        .set("FunctionName", cfn::reference(place, &function.id()))
        .take(&function.value, &[("Description", "description")]);
    compiled.add(&version, "AWS::Lambda::Version", body);
    let mut body = Body::new(place)
        .set("FunctionName", cfn::reference(place, &function.id()))
        .set(
            "FunctionVersion",
            cfn::attribute(place, &version, "Version"),
        )
        .text("Name", alias.name);
    if let Some(concurrency) = function.get("provisionedConcurrency") {
        let config = Body::new(concurrency.place)
            .set("ProvisionedConcurrentExecutions", concurrency.clone());
        body = body.set("ProvisionedConcurrencyConfig", config.done());
    }
    let id = format!("{}{}", function.prefix(), alias.id);
    compiled.add(&id, "AWS::Lambda::Alias", body);
    ids.extend([version, id]);
}

fn compile_url(function: &Function, compiled: &mut Compiled, ids: &mut Vec<String>) {
    let Some(url) = function
        .get("url")
        .filter(|url| url.as_bool() != Some(false))
    else {
        return;
    };
    let place = function
        .value
        .as_map()
        .and_then(|map| map.place_of("url"))
        .unwrap_or(function.place);
    let is_signed = url
        .text_of("authorizer")
        .is_some_and(|authorizer| authorizer == "aws_iam");
    let mut body = Body::new(place)
        .text("AuthType", if is_signed { "AWS_IAM" } else { "NONE" })
        .set("TargetFunctionArn", function.target(place));
    if let Some(cors) = url.get("cors").filter(|cors| cors.as_bool() != Some(false)) {
        body = body.set("Cors", url_cors(cors));
    }
    if url
        .text_of("invokeMode")
        .is_some_and(|mode| mode == "RESPONSE_STREAM")
    {
        body = body.take(url, &[("InvokeMode", "invokeMode")]);
    }
    let id = format!("{}LambdaFunctionUrl", function.prefix());
    compiled.add(&id, "AWS::Lambda::Url", body);
    compiled.output(
        &id,
        "Lambda Function URL",
        cfn::attribute(place, &id, "FunctionUrl"),
    );
    ids.push(id);
}

fn url_cors(cors: &Value) -> Value {
    let place = cors.place;
    let list = |key: &str, default: &[&str]| match cors.as_map().and_then(|map| map.get(key)) {
        // `null` takes the default away.
        Some(value) if value.is_null() => None,
        Some(value) => Some(distinct(value)),
        None => Some(Value::list(
            place,
            default
                .iter()
                .map(|text| Value::text(place, *text))
                .collect(),
        )),
    };
    let mut body = Body::new(place);
    if cors.get("allowCredentials").is_some_and(is_true) {
        body = body.plain("AllowCredentials", true);
    }
    body.set_some("AllowHeaders", list("allowedHeaders", &URL_CORS_HEADERS))
        .set_some("AllowMethods", list("allowedMethods", &["*"]))
        .set_some("AllowOrigins", list("allowedOrigins", &["*"]))
        .set_some(
            "ExposeHeaders",
            cors.get("exposedResponseHeaders").map(distinct),
        )
        .take(cors, &[("MaxAge", "maxAge")])
        .done()
}

/// A list without repetitions, also of a value that is no list.
fn distinct(value: &Value) -> Value {
    let mut items: Vec<Value> = Vec::new();
    for item in value.items() {
        if !items.iter().any(|known| known.kind == item.kind) {
            items.push(item.clone());
        }
    }
    Value::list(value.place, items)
}

fn compile_asynchronous(
    service: &Service<'_>,
    function: &Function,
    compiled: &mut Compiled,
    ids: &mut Vec<String>,
) {
    let destinations = function.get("destinations");
    let age = function
        .get("maximumEventAge")
        .filter(|age| age.as_integer() != Some(0));
    let attempts = function.get("maximumRetryAttempts");
    let Some(first) = destinations.or(age).or(attempts) else {
        return;
    };
    let place = first.place;
    let mut config = Body::new(place);
    for (key, property) in [("onSuccess", "OnSuccess"), ("onFailure", "OnFailure")] {
        if let Some(destination) = destinations.and_then(|destinations| destinations.get(key)) {
            let arn = destination_arn(service, destination);
            config = config.set(
                property,
                Body::new(destination.place).set("Destination", arn).done(),
            );
        }
    }
    let body = Body::new(place)
        .set("FunctionName", cfn::reference(place, &function.id()))
        .set("DestinationConfig", config.done())
        .text(
            "Qualifier",
            function.alias.map_or("$LATEST", |alias| alias.name),
        )
        .set_some("MaximumEventAgeInSeconds", age.cloned())
        .set_some("MaximumRetryAttempts", attempts.cloned());
    let id = format!("{}LambdaEvConf", function.prefix());
    compiled.add(&id, "AWS::Lambda::EventInvokeConfig", body);
    ids.push(id);
}

/// What a destination is: a function of the service by its key, an ARN, or `{type, arn}`.
fn destination_arn(service: &Service<'_>, destination: &Value) -> Value {
    match destination.as_str() {
        Some(key) => match service.functions.get(key) {
            Some(function) => function.target(destination.place),
            None => destination.clone(),
        },
        None => destination
            .get("arn")
            .cloned()
            .unwrap_or_else(|| destination.clone()),
    }
}

fn compile_layer(service: &Service<'_>, key: &str, layer: &Value, compiled: &mut Compiled) {
    let place = service
        .layers
        .as_map()
        .and_then(|layers| layers.place_of(key))
        .unwrap_or(layer.place);
    let content = layer
        .at(&["package", "artifact"])
        .or_else(|| layer.get("path"));
    let Some(content) = content else {
        service.refuse(
            place,
            format!(
                "the layer {key} has neither `path` nor `package.artifact`: add `path: FOLDER`"
            ),
        );
        return;
    };
    let body = Body::new(place)
        .set("Content", content.clone())
        .set(
            "LayerName",
            layer
                .get("name")
                .cloned()
                .unwrap_or_else(|| Value::text(place, key)),
        )
        .take(
            layer,
            &[
                ("Description", "description"),
                ("LicenseInfo", "licenseInfo"),
                ("CompatibleRuntimes", "compatibleRuntimes"),
                ("CompatibleArchitectures", "compatibleArchitectures"),
            ],
        );
    let id = format!("{}LambdaLayer", names::normalized(key));
    compiled.add(id, "AWS::Lambda::LayerVersion", body);
}

fn is_true(value: &Value) -> bool {
    value.as_bool() == Some(true)
}

/// The members of two maps in one; those of the second count.
fn both(below: Option<&Value>, over: Option<&Value>) -> Option<Value> {
    let place = over.or(below)?.place;
    let mut all = Map::default();
    for map in [below, over]
        .into_iter()
        .flatten()
        .filter_map(Value::as_map)
    {
        for (key, member) in map {
            all.insert(key, member.place, member.value.clone());
        }
    }
    Some(Value::new(place, Kind::Map(all)))
}
