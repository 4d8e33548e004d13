//! Templates that are made to do harm: cycles, and small texts that become large ones.

use super::*;

fn error(files: &[(&str, &str)]) -> String {
    try_files(Options::default(), files).err().unwrap()
}

#[test]
fn a_stack_that_contains_itself_is_refused() {
    let template = "Resources:\n  Self: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: ./template.yaml}}\n  \
        Q: {Type: AWS::SQS::Queue}\n";
    let resolved = try_files(Options::default(), &[("template.yaml", template)]).unwrap();
    assert!(
        resolved.refusals[0].starts_with(
            "template.yaml:2:9: the stack Self contains itself, or is nested more than 8 deep"
        ),
        "{:?}",
        resolved.refusals
    );
    assert_eq!(
        resolved.stack.resources.keys().collect::<Vec<_>>(),
        ["Self/Q", "Q"]
    );
}

#[test]
fn stacks_are_limited() {
    let nested = |to: &str| -> String {
        let stacks = (0..20).map(|index| {
            format!("  S{index}: {{Type: AWS::CloudFormation::Stack, Properties: {{TemplateURL: {to}}}}}\n")
        });
        format!("Resources:\n{}", stacks.collect::<String>())
    };
    let (a, b, c) = (nested("b.yaml"), nested("c.yaml"), nested("d.yaml"));
    let files = [
        ("template.yaml", a.as_str()),
        ("b.yaml", &b),
        ("c.yaml", &c),
        ("d.yaml", "Resources: {}\n"),
    ];
    assert!(error(&files).contains("there are more than 200 nested stacks"));
}

#[test]
fn texts_that_double_are_limited() {
    let mut template =
        "Resources:\n  N0: {Type: AWS::SNS::Topic, Properties: {TopicName: xxxxxxxxxx}}\n"
            .to_owned();
    for index in 1..40 {
        let before = index - 1;
        template.push_str(&format!(
            "  N{index}: {{Type: AWS::SNS::Topic, Properties: {{TopicName: !Sub '${{N{before}.TopicName}}${{N{before}.TopicName}}'}}}}\n"
        ));
    }
    assert!(
        error(&[("template.yaml", &template)])
            .contains("the texts in the templates have more than 67108864 bytes")
    );
}

#[test]
fn references_are_followed_so_far_only() {
    let mut template = "Resources:\n  N0: {Type: AWS::SNS::Topic}\n".to_owned();
    for index in 1..2000 {
        let before = 2000 - index;
        template.push_str(&format!("  N{before}: {{Type: AWS::SNS::Topic, Properties: {{TopicName: !GetAtt N{}.TopicName}}}}\n", before - 1));
    }
    assert!(
        error(&[("template.yaml", &template)])
            .contains("more than 40 references lead from one to the next")
    );
}

#[test]
fn values_that_are_nested_deeply_are_evaluated_or_refused() {
    // As deep as YAML is read, in the smallest stack that a thread has.
    let nested = |levels: usize| {
        let (open, close) = (
            "{'Fn::Sub': ['${x}', {x: ".repeat(levels),
            "}]}".repeat(levels),
        );
        let template = format!(
            "Resources:\n  N: {{Type: AWS::SNS::Topic, Properties: {{TopicName: {open}end{close}}}}}\n"
        );
        try_files(Options::default(), &[("template.yaml", &template)])
    };
    assert_eq!(nested(30).unwrap().json("N", &["TopicName"]), "end");
    assert!(
        nested(200)
            .err()
            .unwrap()
            .contains("recursion limit exceeded")
    );
}

#[test]
fn conditions_that_need_themselves_are_false() {
    let resolved = try_variables(
        Options::default(),
        "A: !If [C, yes, no]",
        "Conditions:\n  C: !Not [!Condition D]\n  D: !Or [!Condition C, !Equals [a, a]]\n",
    );
    assert_eq!(resolved.refusals.len(), 1);
    assert!(
        resolved.refusals[0]
            .contains("this refers to itself: the condition C, which needs the condition D")
    );
}

#[test]
fn values_that_multiply_are_limited() {
    let items = vec!["!Ref L"; 1000].join(", ");
    let mut template = format!(
        "Parameters:\n  L: {{Type: CommaDelimitedList, Default: '{}'}}\nResources:\n",
        vec!["x"; 2000].join(",")
    );
    for index in 0..20 {
        template.push_str(&format!(
            "  N{index}: {{Type: AWS::SNS::Topic, Properties: {{X: [{items}]}}}}\n"
        ));
    }
    assert!(error(&[("template.yaml", &template)]).contains("have more than 2000000 values"));
}

#[test]
fn files_that_never_end_are_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let fifo = folder.path().join("template.yaml");
    let made = std::process::Command::new("mkfifo")
        .arg(&fifo)
        .status()
        .unwrap();
    assert!(made.success());
    let context = Context::new(Options::default());
    let error = crate::template::read(&context, &fifo)
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("cannot read "), "{error}");
}
