//! A queue's policy, and adding and removing permissions.

use serde_json::json;

use super::*;

#[test]
fn permissions_become_statements_of_the_policy() {
    let service = Service::standard();
    let add = |label: &str, accounts: Value| json!({"QueueUrl": URL, "Label": label, "AWSAccountIds": accounts, "Actions": ["ReceiveMessage"]});
    let policy = || {
        service.ok(
            "GetQueueAttributes",
            json!({"QueueUrl": URL, "AttributeNames": ["Policy"]}),
        )
    };
    let arn = "arn:aws:sqs:eu-west-1:000000000000:orders";
    let statement = |label: &str, principal: &str| {
        format!(
            r#"{{"Sid":"{label}","Effect":"Allow","Principal":{{"AWS":{principal}}},"Action":"SQS:ReceiveMessage","Resource":"{arn}"}}"#
        )
    };
    let whole = |statements: &str| {
        let text = format!(
            r#"{{"Version":"2008-10-17","Id":"{arn}/SQSDefaultPolicy","Statement":[{statements}]}}"#
        );
        json!({"Attributes": {"Policy": text}})
    };
    service.ok(
        "AddPermission",
        add("one", json!(["111111111111", "222222222222"])),
    );
    let two = r#"["arn:aws:iam::111111111111:root","arn:aws:iam::222222222222:root"]"#;
    assert_eq!(policy(), whole(&statement("one", two)));
    service.ok(
        "AddPermission",
        add("one", json!(["111111111111", "222222222222"])),
    );
    assert_eq!(policy(), whole(&statement("one", two)));
    assert_eq!(
        service.refused("RemovePermission", json!({"QueueUrl": URL, "Label": "two"})),
        invalid(
            "Value two for parameter Label is invalid. Reason: can't find label on existing policy."
        )
    );
    assert_eq!(
        service.refused("AddPermission", add("one", json!(["111111111111"]))),
        invalid("Value one for parameter Label is invalid. Reason: Already exists.")
    );
    let form = format!(
        "Action=AddPermission&QueueUrl={URL}&Label=two&AWSAccountId.1=111111111111&ActionName.1=ReceiveMessage"
    );
    assert_eq!(service.xml(200, &form), envelope("AddPermission", ""));
    service.ok("RemovePermission", json!({"QueueUrl": URL, "Label": "one"}));
    assert_eq!(
        policy(),
        whole(&statement("two", r#""arn:aws:iam::111111111111:root""#))
    );
    service.ok("RemovePermission", json!({"QueueUrl": URL, "Label": "two"}));
    assert_eq!(policy(), json!({}));
    assert_eq!(
        service.refused("RemovePermission", json!({"QueueUrl": URL, "Label": "two"})),
        invalid("Value two for parameter Label is invalid. Reason: can't find label.")
    );
}

#[test]
fn permissions_are_added_to_a_minimal_policy() {
    let service = Service::standard();
    let statement = r#"{"Effect":"Allow","Principal":"*","Action":"sqs:*","Resource":"*"}"#;
    let policy = format!(r#"{{"Statement":{statement}}}"#);
    let input = json!({"QueueUrl": URL, "Attributes": {"Policy": policy}});
    service.ok("SetQueueAttributes", input);
    let input =
        json!({"QueueUrl": URL, "Label": "l", "AWSAccountIds": ["111111111111"], "Actions": ["*"]});
    service.ok("AddPermission", input);
    let input = json!({"QueueUrl": URL, "AttributeNames": ["Policy"]});
    let shown = service.ok("GetQueueAttributes", input);
    let added = r#"{"Sid":"l","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"SQS:*","Resource":"arn:aws:sqs:eu-west-1:000000000000:orders"}"#;
    assert_eq!(
        shown["Attributes"]["Policy"],
        format!(r#"{{"Statement":[{statement},{added}]}}"#)
    );
}

#[test]
fn invalid_permissions_are_rejected() {
    let service = Service::standard();
    let refused = |actions: Value| {
        let accounts = json!(["111111111111"]);
        let input =
            json!({"QueueUrl": URL, "Label": "l", "AWSAccountIds": accounts, "Actions": actions});
        service.refused("AddPermission", input)
    };
    let action = |name: &str, reason: &str| {
        invalid(&format!(
            "Value SQS:{name} for parameter ActionName is invalid. Reason: {reason}"
        ))
    };
    let unknown = "Please refer to the appropriate WSDL for a list of valid actions. ";
    for name in ["SendMessageBatch", "Nonsense"] {
        assert_eq!(refused(json!([name])), action(name, unknown));
    }
    assert_eq!(
        refused(json!(["CreateQueue"])),
        action(
            "CreateQueue",
            "Only the queue owner is allowed to invoke this action."
        )
    );
    assert_eq!(
        refused(json!(vec!["SendMessage"; 8])),
        too_many("8 Actions were found, maximum allowed is 7.")
    );
}

#[test]
fn a_policy_has_up_to_twenty_statements() {
    let service = Service::standard();
    let add = |number: usize| json!({"QueueUrl": URL, "Label": format!("l{number}"), "AWSAccountIds": ["111111111111"], "Actions": ["*"]});
    for number in 0..20 {
        service.ok("AddPermission", add(number));
    }
    assert_eq!(
        service.refused("AddPermission", add(20)),
        too_many("21 Statements were found, maximum allowed is 20.")
    );
}

#[test]
fn malformed_policies_are_rejected() {
    let service = Service::standard();
    let set =
        |policy: Value| json!({"QueueUrl": URL, "Attributes": {"Policy": policy.to_string()}});
    let statement =
        json!({"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "*"});
    let with = |name: &str, value: Value| {
        let mut changed = statement.clone();
        changed[name] = value;
        json!({"Version": "2012-10-17", "Statement": changed})
    };
    for policy in [
        json!([]),
        json!(null),
        json!({}),
        json!({"Version": "2012-10-17", "Statement": []}),
        json!({"Version": "1999-10-17", "Statement": statement}),
        json!({"Version": "2012-10-17", "Statement": statement, "More": 1}),
        with("Effect", "Perhaps".into()),
        with("Action", Value::Null),
        with("Resource", json!({})),
        with("More", 1.into()),
    ] {
        assert_eq!(
            service.refused("SetQueueAttributes", set(policy.clone())),
            model(
                400,
                "InvalidAttributeValue",
                "Invalid value for the parameter Policy.",
                "InvalidAttributeValue"
            ),
            "{policy}"
        );
    }
    for policy in [
        json!({"Version": "2008-10-17", "Id": "i", "Statement": statement}),
        json!({"Statement": [statement]}),
        with("Condition", json!({"ArnEquals": {"aws:SourceArn": "x"}})),
        with("Action", json!(["sqs:SendMessage"])),
    ] {
        service.ok("SetQueueAttributes", set(policy.clone()));
        let input = json!({"QueueUrl": URL, "AttributeNames": ["Policy"]});
        let shown = service.ok("GetQueueAttributes", input);
        assert_eq!(shown["Attributes"]["Policy"], policy.to_string());
    }
    assert_eq!(
        service.refused(
            "SetQueueAttributes",
            set(json!({"Statement": vec![statement; 22]}))
        ),
        too_many("22 statements were found in the submitted policy, max allowed is 20")
    );
}

fn too_many(message: &str) -> (u16, String, String, String) {
    model(403, "OverLimit", message, "OverLimit")
}
