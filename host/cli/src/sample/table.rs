//! All sample events.

use std::fmt::Write as _;

use super::definition::Definition;
use super::{http, http_fields, records};
use crate::config::nearest;

/// The samples, in the order of their names.
pub const SAMPLES: &[Definition] = &[
    Definition {
        name: "alb/request",
        aliases: &[],
        about: "A request to a load balancer",
        fields: http_fields::ALB,
        make: http::alb,
    },
    Definition {
        name: "api-gateway-http/authorizer",
        aliases: &["apigateway/http-api-authorizer"],
        about: "A request to an HTTP API, for its authorizer",
        fields: http_fields::HTTP_AUTHORIZER,
        make: http::http_authorizer,
    },
    Definition {
        name: "api-gateway-http/request",
        aliases: &["apigateway/http-api-proxy"],
        about: "A request to an HTTP API",
        fields: http_fields::HTTP,
        make: http::http,
    },
    Definition {
        name: "api-gateway-rest/request",
        aliases: &["apigateway/aws-proxy"],
        about: "A request to a REST API",
        fields: http_fields::REST,
        make: http::rest,
    },
    Definition {
        name: "api-gateway-rest/request-authorizer",
        aliases: &["apigateway/request-authorizer"],
        about: "A request to a REST API, for its authorizer of the type REQUEST",
        fields: http_fields::REST_AUTHORIZER,
        make: http::rest_authorizer,
    },
    Definition {
        name: "api-gateway-rest/test-invoke",
        aliases: &[],
        about: "A test of a REST API's method in AWS's console",
        fields: http_fields::REST_TEST,
        make: http::rest_test,
    },
    Definition {
        name: "api-gateway-rest/token-authorizer",
        aliases: &["apigateway/authorizer"],
        about: "A token for a REST API, for its authorizer of the type TOKEN",
        fields: http_fields::REST_TOKEN,
        make: http::rest_token,
    },
    Definition {
        name: "api-gateway-websocket/authorizer",
        aliases: &["apigateway/websocket-authorizer"],
        about: "A new connection to a WebSocket API, for its authorizer",
        fields: http_fields::WEBSOCKET_AUTHORIZER,
        make: http::websocket_authorizer,
    },
    Definition {
        name: "api-gateway-websocket/connect",
        aliases: &["apigateway/websocket-connect"],
        about: "A new connection to a WebSocket API",
        fields: http_fields::CONNECT,
        make: http::connect,
    },
    Definition {
        name: "api-gateway-websocket/disconnect",
        aliases: &["apigateway/websocket-disconnect"],
        about: "The end of a connection to a WebSocket API",
        fields: http_fields::DISCONNECT,
        make: http::disconnect,
    },
    Definition {
        name: "api-gateway-websocket/message",
        aliases: &["apigateway/websocket-message"],
        about: "A message on a connection to a WebSocket API",
        fields: http_fields::MESSAGE,
        make: http::message,
    },
    Definition {
        name: "function-url/request",
        aliases: &[],
        about: "A request to a function URL",
        fields: http_fields::FUNCTION_URL,
        make: http::function_url,
    },
    Definition {
        name: "s3/complete-multipart-upload",
        aliases: &["s3/complete"],
        about: "A multipart upload has been completed (ObjectCreated:CompleteMultipartUpload)",
        fields: records::CREATED,
        make: records::complete,
    },
    Definition {
        name: "s3/copy",
        aliases: &[],
        about: "An object has been copied (ObjectCreated:Copy)",
        fields: records::CREATED,
        make: records::copy,
    },
    Definition {
        name: "s3/delete",
        aliases: &[],
        about: "An object has been deleted (ObjectRemoved:Delete)",
        fields: records::CHANGED,
        make: records::delete,
    },
    Definition {
        name: "s3/delete-marker-created",
        aliases: &[],
        about: "An object has got a delete marker (ObjectRemoved:DeleteMarkerCreated)",
        fields: records::MARKED,
        make: records::delete_marker,
    },
    Definition {
        name: "s3/post",
        aliases: &[],
        about: "An object has been stored by a form (ObjectCreated:Post)",
        fields: records::CREATED,
        make: records::post,
    },
    Definition {
        name: "s3/put",
        aliases: &[],
        about: "An object has been stored (ObjectCreated:Put)",
        fields: records::CREATED,
        make: records::put,
    },
    Definition {
        name: "s3/tagging-delete",
        aliases: &[],
        about: "The tags of an object have been deleted (ObjectTagging:Delete)",
        fields: records::CHANGED,
        make: records::untag,
    },
    Definition {
        name: "s3/tagging-put",
        aliases: &[],
        about: "An object has got tags (ObjectTagging:Put)",
        fields: records::CHANGED,
        make: records::tag,
    },
    Definition {
        name: "sqs/receive-message",
        aliases: &["sqs/message"],
        about: "Messages of a queue",
        fields: records::MESSAGES,
        make: records::messages,
    },
];

/// The services of AWS that invoke functions, or of which other tools have samples, and that no built-in plugin is for.
/// They are named here so that a similar name is not suggested in their place.
const WITHOUT_PLUGIN: &[&str] = &[
    "alexa-skills-kit",
    "alexa-smart-home",
    "appsync",
    "batch",
    "cloudformation",
    "cloudfront",
    "cloudwatch",
    "codecommit",
    "codepipeline",
    "cognito",
    "config",
    "connect",
    "documentdb",
    "dynamodb",
    "eventbridge",
    "events",
    "firehose",
    "iot",
    "kafka",
    "kinesis",
    "lex",
    "lex-v2",
    "logs",
    "mq",
    "msk",
    "rekognition",
    "sagemaker",
    "schedule",
    "scheduler",
    "secretsmanager",
    "ses",
    "sns",
    "stepfunctions",
    "vpc-lattice",
    "workmail",
];

/// The services, including those that only aliases have, each once and in order.
pub fn services() -> Vec<&'static str> {
    let names = SAMPLES.iter().flat_map(Definition::names);
    let mut services: Vec<_> = names.map(|(service, _)| service).collect();
    services.sort_unstable();
    services.dedup();
    services
}

/// The types of a service with what they name, aliases included.
pub fn kinds(service: &str) -> impl Iterator<Item = (&'static str, &'static Definition)> {
    let names = SAMPLES
        .iter()
        .flat_map(|sample| sample.names().map(move |(of, kind)| (of, kind, sample)));
    names.filter_map(move |(of, kind, sample)| (of == service).then_some((kind, sample)))
}

/// The service with this name.
pub fn service(name: &str) -> Result<&'static str, String> {
    let services = services();
    if let Some(found) = services.iter().find(|service| **service == name) {
        return Ok(found);
    }
    let all = services.join(", ");
    if WITHOUT_PLUGIN.contains(&name) {
        return Err(format!(
            "there are no sample events of {name}: no built-in plugin makes them; there are those of {all}. A plugin \
             of your own makes one with `lambkin shape TRIGGER`"
        ));
    }
    Err(match nearest(name, services.iter().copied()) {
        Some(near) => format!("there are no sample events of {name:?}; did you mean `{near}`?"),
        None => format!(
            "there are no sample events of {name:?}; there are those of {all}. `lambkin shape TRIGGER` prints the \
             event of a trigger of lambkin.toml"
        ),
    })
}

/// The sample with this service and type, in any of its names.
pub fn named(service_name: &str, kind: &str) -> Result<&'static Definition, String> {
    let service = service(service_name)?;
    if let Some((_, found)) = kinds(service).find(|(known, _)| *known == kind) {
        return Ok(found);
    }
    let names = || kinds(service).map(|(kind, _)| kind);
    let hint = match nearest(kind, names()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("its types are: {}", names().collect::<Vec<_>>().join(", ")),
    };
    Err(format!("{service} has no sample event {kind:?}; {hint}"))
}

/// The samples of all services, or of one, for people.
pub fn list(service: Option<&str>) -> String {
    let is_listed = |sample: &&Definition| {
        service.is_none_or(|wanted| sample.names().any(|(service, _)| service == wanted))
    };
    let samples: Vec<&Definition> = SAMPLES.iter().filter(is_listed).collect();
    let name = |sample: &Definition| match service {
        Some(wanted) => sample.names().find(|(service, _)| *service == wanted),
        None => sample.names().next(),
    };
    let rows = samples.iter().filter_map(|sample| {
        let (service, kind) = name(sample)?;
        let others = sample.names().filter(|other| *other != (service, kind));
        let others: Vec<String> = others.map(|(of, kind)| format!("{of} {kind}")).collect();
        let also = match others.is_empty() {
            true => String::new(),
            false => format!(" (also: {})", others.join(", ")),
        };
        Some((
            format!("{service} {kind}"),
            format!("{}{also}", sample.about),
        ))
    });
    let rows: Vec<(String, String)> = rows.collect();
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut text = String::from(
        "lambkin event SERVICE TYPE [--FIELD VALUE]... prints one of these events:\n\n",
    );
    for (name, about) in &rows {
        let _ = writeln!(text, "  {name:width$}  {about}"); // writing to a String does not fail
    }
    let example = rows.first().map_or("s3 put", |(name, _)| name);
    let _ = write!(
        text,
        "\nThe fields of an event: lambkin event {example} --help\n\
         To invoke a function with it: lambkin invoke FUNCTION --event {} [--FIELD VALUE]...\n",
        example.replace(' ', "/")
    );
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::config::{assert_committed, repository};
    use crate::sample::Values;

    #[test]
    fn names_and_fields_are_unique_and_sorted() {
        let names: Vec<_> = SAMPLES.iter().map(|sample| sample.name).collect();
        assert!(names.is_sorted(), "{names:?}");
        let mut all = BTreeSet::new();
        for sample in SAMPLES {
            for name in sample.names() {
                assert!(all.insert(name), "{name:?} names two samples");
            }
            let options = sample
                .fields
                .iter()
                .flat_map(|field| [Some(field.name), field.alias]);
            let options: Vec<_> = options.flatten().collect();
            let unique: BTreeSet<_> = options.iter().collect();
            assert_eq!(unique.len(), options.len(), "{}: {options:?}", sample.name);
        }
    }

    #[test]
    fn each_sample_is_made_by_a_built_in_plugin_and_each_plugin_with_triggers_has_one() {
        let services: BTreeSet<_> = SAMPLES.iter().map(Definition::service).collect();
        let plugins: BTreeSet<_> = lambkin_builtin::names().iter().copied().collect();
        assert_eq!(services, plugins);
    }

    #[test]
    fn every_default_is_legal_and_makes_a_trigger() {
        for sample in SAMPLES {
            for field in sample.fields {
                let is_left_out = field.default.is_empty();
                let checked = (field.check)(field.default);
                assert!(
                    is_left_out || checked.is_ok(),
                    "{}: {checked:?}",
                    sample.name
                );
                assert!(!field.help.ends_with('.'), "{}", field.name);
            }
            let values = Values::read(sample, []).unwrap();
            let made = (sample.make)(&values);
            assert!(made.is_ok(), "{}: {made:?}", sample.name);
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_nearest_or_all() {
        for (service, kind, expected) in [
            ("S3", "put", "did you mean `s3`?"),
            ("apigatway", "aws-proxy", "did you mean `apigateway`?"),
            (
                "nothing-like-it",
                "put",
                "there are those of alb, api-gateway-http",
            ),
            (
                "sns",
                "notification",
                "no built-in plugin makes them; there are those of alb",
            ),
            ("s3", "putt", "did you mean `put`?"),
            ("sqs", "recieve-message", "did you mean `receive-message`?"),
            (
                "s3",
                "batch-invocation",
                "its types are: complete-multipart-upload, complete, copy",
            ),
        ] {
            let error = named(service, kind).unwrap_err();
            assert!(error.contains(expected), "{service} {kind}: {error}");
        }
    }

    #[test]
    fn fields_are_checked_by_their_sample() {
        let read = |name: &str, values: &[&str]| {
            let values = values.iter().map(|&value| value.to_owned()).collect();
            Values::read(named("s3", "put").unwrap(), [(name, values)]).unwrap_err()
        };
        assert_eq!(
            read("bukcet", &["b"]),
            "s3/put has no field --bukcet; did you mean --bucket?"
        );
        assert_eq!(
            read("queue-name", &["q"]),
            "s3/put has no field --queue-name; its fields are: --bucket, --key, --size, --version-id, --region, \
             --partition"
        );
        assert_eq!(
            read("size", &["1 MB"]),
            "--size must be a whole number of bytes, not \"1 MB\""
        );
        assert_eq!(
            read("key", &["a", "b"]),
            "--key is given 2 times; s3/put has one"
        );
        assert!(read("partition", &["aws-cn"]).contains("choose a --region of aws-cn"));
    }

    /// The page's tables: every event, and every field.
    fn page() -> String {
        let mut text =
            String::from("| event | other names | what it is | fields |\n|---|---|---|---|\n");
        for sample in SAMPLES {
            let names = sample
                .names()
                .map(|(service, kind)| format!("`{service} {kind}`"));
            let names: Vec<String> = names.collect();
            let (name, others) = names.split_first().unwrap();
            let others = match others {
                [] => "–".to_owned(),
                others => others.join(", "),
            };
            let fields = sample
                .fields
                .iter()
                .map(|field| format!("`{}`", field.name));
            let fields: Vec<String> = fields.collect();
            let fields = fields.join(", ");
            let _ = writeln!(text, "| {name} | {others} | {} | {fields} |", sample.about);
        }
        text.push_str("\n| field | value | default | meaning |\n|---|---|---|---|\n");
        let mut fields: Vec<_> = SAMPLES.iter().flat_map(|sample| sample.fields).collect();
        fields.sort_by_key(|field| field.name);
        for group in fields.chunk_by(|one, other| one.name == other.name) {
            let mut defaults: Vec<&str> = Vec::new();
            for field in group {
                if !field.default.is_empty() && !defaults.contains(&field.default) {
                    defaults.push(field.default);
                }
            }
            let defaults: Vec<String> = defaults.iter().map(|it| format!("`{it}`")).collect();
            let default = match defaults.is_empty() {
                true => "–".to_owned(),
                false => defaults.join(" or "),
            };
            let mut helps: Vec<&str> = group.iter().map(|field| field.help).collect();
            helps.sort_unstable();
            helps.dedup();
            let field = group[0];
            let alias = field
                .alias
                .map_or_else(String::new, |alias| format!(", `{alias}`"));
            let help = helps.join(". Or: ");
            let _ = writeln!(
                text,
                "| `{}`{alias} | {} | {default} | {help}. |",
                field.name, field.value
            );
        }
        text
    }

    #[test]
    fn the_page_documents_every_event_and_field() {
        const PAGE: &str = "docs/sample-events.md";
        const BEGIN: &str = "<!-- events and fields -->\n";
        const END: &str = "<!-- end of events and fields -->\n";
        let text = std::fs::read_to_string(repository().join(PAGE)).unwrap();
        let (before, rest) = text.split_once(BEGIN).unwrap();
        let (_, after) = rest.split_once(END).unwrap();
        assert_committed(PAGE, &format!("{before}{BEGIN}{}{END}{after}", page()));
    }

    #[test]
    fn lists_have_every_sample_and_its_other_names() {
        let all = list(None);
        for sample in SAMPLES {
            assert!(all.contains(&format!("  {} ", sample.name.replace('/', " "))));
        }
        assert!(all.contains("(also: apigateway aws-proxy)"), "{all}");
        let of_one = list(Some("apigateway"));
        assert!(of_one.contains("  apigateway aws-proxy"), "{of_one}");
        assert!(!of_one.contains("  s3 put"), "{of_one}");
    }
}
