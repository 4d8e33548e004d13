//! Mutated templates: a `lambkin.toml` is made of them, or a message with a place, and nothing panics.
//!
//! `LAMBKIN_FUZZ_SEED` gives other mutations than the usual ones, `LAMBKIN_FUZZ_ROUNDS` more of them.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test ends in a panic if it is wrong"
)]

use std::path::{Path, PathBuf};
use std::{env, fs};

use lambkin_project::document::Document;
use lambkin_project::{Context, Options, sections, template};

/// What replaces values and pieces of a template.
const PIECES: &[&str] = &[
    "",
    "''",
    "-1",
    "[]",
    "{}",
    "null",
    "true",
    "99999999999999999999",
    "日本",
    "\u{0}",
    "\u{e000}queue:x\u{e001}",
    "&a [*a]",
    "*a",
    "!Ref AWS::NoValue",
    "!Ref Missing",
    "!Sub '${AWS::Region}${A.B}${'",
    "!GetAtt A.Arn",
    "!If [C, a, b]",
    "!Select [0, []]",
    "!Split [a, b]",
    "!FindInMap [A, B, C]",
    "{'Fn::Transform': {Name: AWS::Include, Parameters: {Location: template.yaml}}}",
    "{'Fn::ForEach::L': [a, [b], {'c${a}': d}]}",
    "AWS::ApiGateway::RestApi",
    "AWS::CloudFormation::Stack",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Function",
    "AWS::SQS::Queue",
    "AWS::Serverless::Function",
    "AWS::Serverless::HttpApi",
    "template.yaml",
];

/// A project with what samples have few of: CloudFormation's functions, APIs made of resources, a nested stack.
const TEMPLATE: &str = "\
Transform: [AWS::LanguageExtensions, AWS::Serverless-2016-10-31]
Parameters:
  Stage: {Type: String, Default: dev}
  Names: {Type: CommaDelimitedList, Default: 'a,b'}
  Path: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /x}
Mappings: {Sizes: {dev: {Memory: 128}, prod: {Memory: 256}}}
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
  IsDev: !And [!Not [!Condition IsProd], !Or [!Equals [a, b], !Equals [a, a]]]
Resources:
  Fn::ForEach::Queues: [N, !Ref Names, {'Queue${N}': {Type: AWS::SQS::Queue, Properties: {QueueName: !Sub 'q-${N}'}}}]
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: .
      Handler: app.handler
      Runtime: python3.12
      MemorySize: !FindInMap [Sizes, !Ref Stage, Memory]
      AutoPublishAlias: live
      Environment: {Variables: {Q: !Ref Queuea, A: !GetAtt Fn.Arn, P: !Ref Path, S: '{{resolve:ssm:/y}}'}}
      Events: {Get: {Type: Api, Properties: {Path: /a, Method: get}}, Q: {Type: SQS, Properties: {Queue: !GetAtt Queueb.Arn}}}
  Api: {Type: AWS::ApiGatewayV2::Api, Properties: {Name: x, ProtocolType: HTTP}, Condition: IsDev}
  Integration:
    Type: AWS::ApiGatewayV2::Integration
    Properties: {ApiId: !Ref Api, IntegrationType: AWS_PROXY, IntegrationUri: !GetAtt Fn.Arn, PayloadFormatVersion: '2.0'}
  Route: {Type: AWS::ApiGatewayV2::Route, Properties: {ApiId: !Ref Api, RouteKey: GET /x, Target: !Join ['/', [integrations, !Ref Integration]]}}
  Bucket: {Type: AWS::S3::Bucket, Properties: {BucketName: !Select [1, !Split [',', 'x,my-bucket']]}}
  Nested: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: child.yaml, Parameters: {P: !GetAtt Queuea.Arn}}}
Outputs:
  Url: {Value: !Sub 'https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}/'}
  Out: {Value: !GetAtt Nested.Outputs.O}
";

const CHILD: &str = "\
Parameters: {P: {Type: String}}
Resources: {Inner: {Type: AWS::SNS::Topic, Properties: {DisplayName: !Ref P}}}
Outputs: {O: {Value: !Ref Inner}}
";

fn number(name: &str, default: u64) -> u64 {
    let value = env::var(name).ok();
    value
        .and_then(|value| value.parse().ok())
        .unwrap_or(default)
}

/// A number below `end`, of a sequence that looks random.
fn below(state: &mut u64, end: usize) -> usize {
    // splitmix64
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) % end.max(1) as u64) as usize
}

/// Changes a line, as people do and as they do not.
fn mutate(state: &mut u64, lines: &mut Vec<String>) {
    let (at, other) = (below(state, lines.len()), below(state, lines.len()));
    let piece = PIECES[below(state, PIECES.len())];
    match below(state, 7) {
        0 => {
            lines.remove(at);
        }
        1 => lines.insert(at, lines[other].clone()),
        2 => lines.swap(at, other),
        3 => {
            let start = lines[at].floor_char_boundary(below(state, lines[at].len() + 1));
            let end = lines[at].ceil_char_boundary((start + below(state, 12)).min(lines[at].len()));
            lines[at].replace_range(start..end, piece);
        }
        _ => {
            // The value after one of the keys.
            let line = lines[at].clone();
            let keys: Vec<usize> = line.match_indices(": ").map(|(at, _)| at + 2).collect();
            if let Some(start) = keys.get(below(state, keys.len())) {
                let rest = &line[*start..];
                let end = rest.find([',', '}', ']']).unwrap_or(rest.len());
                lines[at].replace_range(*start..start + end, piece);
            }
        }
    }
    if lines.is_empty() {
        lines.push(String::new());
    }
}

fn seeds() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sam");
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let is_template = |path: &PathBuf| {
        path.extension()
            .is_some_and(|extension| extension == "yaml")
    };
    let samples = paths
        .into_iter()
        .filter(is_template)
        .map(|path| fs::read_to_string(path).unwrap());
    samples.chain([TEMPLATE.to_owned()]).collect()
}

#[test]
fn mutated_templates_are_translated_or_refused_with_a_place() {
    let mut state = number("LAMBKIN_FUZZ_SEED", 1);
    let seeds = seeds();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("template.yaml");
    fs::write(folder.path().join("child.yaml"), CHILD).unwrap();
    fs::write(
        folder.path().join("app.py"),
        "def handler(event, context): pass\n",
    )
    .unwrap();
    for round in 0..number("LAMBKIN_FUZZ_ROUNDS", 500) as usize {
        let mut lines: Vec<String> = seeds[round % seeds.len()]
            .lines()
            .map(str::to_owned)
            .collect();
        for _ in 0..=below(&mut state, 4) {
            mutate(&mut state, &mut lines);
        }
        let text = lines.join("\n");
        fs::write(&path, &text).unwrap();
        let context = Context::new(Options {
            folder: folder.path().to_owned(),
            ..Options::default()
        });
        let stack = template::read(&context, &path)
            .and_then(|read| template::resolve(&context, vec![read]));
        match stack {
            Ok(stack) => {
                let printed = sections::write(&context, &stack).print().text;
                let mut files = lambkin_project::file::Files::default();
                let file = files.add(Path::new("lambkin.toml"), printed.clone());
                let parsed = Document::parse(file, &printed);
                assert!(parsed.is_ok(), "{parsed:?}\n{printed}\n{text}");
            }
            Err(error) => {
                let message = error.to_string();
                assert!(
                    message.contains("template.yaml:") || message.contains("child.yaml:"),
                    "{message}\n{text}"
                );
            }
        }
        let (files, report) = context.into_parts();
        let told = report
            .notes(&files)
            .into_iter()
            .chain(report.refusals(&files));
        assert!(told.into_iter().all(|text| !text.is_empty()), "{text}");
    }
}
