//! Events that nothing emits here: those of rules, schedules, topics, log groups and so on.
//!
//! Contract: each way by which such events would reach a function or queue of the project is refused, with the command that
//! invokes the function with an event. One that is switched off is noted.

use crate::context::Context;
use crate::document::Document;
use crate::file::Place;
use crate::resource::{Resource, Stack};
use crate::sections::target::{self, Target, invoke_hint};
use crate::value::Value;

/// Who gets events.
enum Receiver {
    Function(String),
    Queue(String),
    /// Left out, or elsewhere.
    Nobody,
}

/// Refuses the sources of a stack.
pub fn tell(context: &Context, stack: &Stack, document: &Document) {
    let sources = Sources {
        context,
        stack,
        document,
    };
    for resource in stack.resources.values() {
        match resource.kind.as_str() {
            "AWS::Events::Rule" => sources.rule(resource),
            "AWS::Scheduler::Schedule" => sources.schedule(resource),
            "AWS::SNS::Subscription" => sources.subscription(resource),
            "AWS::SNS::Topic" => sources.topic(resource),
            "AWS::Logs::SubscriptionFilter" => {
                sources.plain(resource, &["DestinationArn"], "CloudWatch Logs events");
            }
            "AWS::IoT::TopicRule" => sources.iot(resource),
            "AWS::Cognito::UserPool" => sources.user_pool(resource),
            "AWS::Config::ConfigRule" => {
                sources.plain(
                    resource,
                    &["Source", "SourceIdentifier"],
                    "AWS Config events",
                );
            }
            "AWS::SES::ReceiptRule" => sources.mail(resource),
            _ => {}
        }
    }
}

struct Sources<'a> {
    context: &'a Context,
    stack: &'a Stack,
    document: &'a Document,
}

impl Sources<'_> {
    fn receiver(&self, arn: Option<&Value>) -> Receiver {
        let Some(text) = arn.and_then(Value::as_str) else {
            return Receiver::Nobody;
        };
        if text.contains(":sqs:") {
            return match self.stack.queue_of(text) {
                Some(queue) => Receiver::Queue(queue.name.clone()),
                None => Receiver::Nobody,
            };
        }
        match target::function(self.stack, self.document, text) {
            Target::Served(name) => {
                Receiver::Function(name.split(':').next().unwrap_or_default().to_owned())
            }
            Target::LeftOut(_) | Target::Elsewhere => Receiver::Nobody,
        }
    }

    /// Refuses events of a kind for a receiver. Returns whether there is one.
    fn refuse(&self, place: Place, path: &str, events: &str, receiver: Receiver) -> bool {
        let message = match receiver {
            Receiver::Function(function) => {
                let hint = invoke_hint(&function);
                format!("{path}: {events} are not emulated, and {function} gets none; {hint}")
            }
            Receiver::Queue(queue) => format!(
                "{path}: {events} are not emulated, and the queue {queue} gets none; send messages to it yourself, with \
                 SendMessage"
            ),
            Receiver::Nobody => return false,
        };
        self.context.report.refuse(place, message);
        true
    }

    /// A resource with one target.
    fn plain(&self, resource: &Resource, target: &[&str], events: &str) {
        let receiver = self.receiver(resource.properties.at(target));
        if !self.refuse(resource.place, &resource.path, events, receiver) {
            self.context.report.without_effect(&resource.kind);
        }
    }

    /// Whether a rule or a schedule is switched off, which is noted.
    fn is_disabled(&self, resource: &Resource) -> bool {
        let state = resource.get("State").and_then(Value::as_str);
        let is_disabled = state == Some("DISABLED");
        if is_disabled {
            let message = format!("{} is left out: its State is DISABLED", resource.path);
            self.context.report.note(resource.place, message);
        }
        is_disabled
    }

    fn rule(&self, rule: &Resource) {
        if self.is_disabled(rule) {
            return;
        }
        let events = match rule.get("ScheduleExpression") {
            Some(_) => "schedules",
            None => "EventBridge events",
        };
        let targets = rule.get("Targets").map_or(&[][..], Value::items).iter();
        let refused = targets
            .map(|target| {
                let receiver = self.receiver(target.get("Arn"));
                self.refuse(rule.place, &rule.path, events, receiver)
            })
            .filter(|is_refused| *is_refused);
        if refused.count() == 0 {
            self.context.report.without_effect(&rule.kind);
        }
    }

    fn schedule(&self, schedule: &Resource) {
        if !self.is_disabled(schedule) {
            self.plain(schedule, &["Target", "Arn"], "schedules");
        }
    }

    fn subscription(&self, subscription: &Resource) {
        let protocol = subscription.get("Protocol").and_then(Value::as_str);
        if ["lambda", "sqs"].contains(&protocol.unwrap_or_default()) {
            self.plain(subscription, &["Endpoint"], "messages of SNS topics");
        } else {
            self.context.report.without_effect(&subscription.kind);
        }
    }

    /// The subscriptions that a topic has in itself.
    fn topic(&self, topic: &Resource) {
        let subscriptions = topic.get("Subscription");
        for subscription in subscriptions.map_or(&[][..], Value::items) {
            let receiver = self.receiver(subscription.get("Endpoint"));
            self.refuse(
                subscription.place,
                &topic.path,
                "messages of SNS topics",
                receiver,
            );
        }
    }

    fn iot(&self, rule: &Resource) {
        let actions = rule.properties.at(&["TopicRulePayload", "Actions"]);
        for action in actions.map_or(&[][..], Value::items) {
            let receiver = self.receiver(action.at(&["Lambda", "FunctionArn"]));
            self.refuse(rule.place, &rule.path, "IoT events", receiver);
        }
    }

    fn user_pool(&self, pool: &Resource) {
        let triggers = pool.get("LambdaConfig");
        for (name, trigger) in triggers.into_iter().flat_map(Value::members) {
            let arn = trigger.get("LambdaArn").unwrap_or(trigger);
            let path = format!("{} of {}", name, pool.path);
            let receiver = self.receiver(Some(arn));
            self.refuse(arn.place, &path, "Cognito events", receiver);
        }
    }

    fn mail(&self, rule: &Resource) {
        let actions = rule.properties.at(&["Rule", "Actions"]);
        for action in actions.map_or(&[][..], Value::items) {
            let receiver = self.receiver(action.at(&["LambdaAction", "FunctionArn"]));
            self.refuse(rule.place, &rule.path, "SES events", receiver);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::sections::testing::Project;

    const FN: &str = "Fn:\n  Type: AWS::Lambda::Function\n  Properties: {Code: {ZipFile: x}, Runtime: python3.13, \
                      Handler: index.handler}\nQ: {Type: 'AWS::SQS::Queue'}\n";
    const FN_ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:Fn";

    #[test]
    fn events_that_nothing_emits_are_refused() {
        let resource = |id: &str, kind: &str, properties: &str| {
            format!("{id}: {{Type: 'AWS::{kind}', Properties: {{{properties}}}}}\n")
        };
        let resources = [
            resource(
                "Rule",
                "Events::Rule",
                &format!("ScheduleExpression: rate(1 day), Targets: [{{Arn: '{FN_ARN}'}}]"),
            ),
            resource(
                "Pattern",
                "Events::Rule",
                "EventPattern: {}, Targets: [{Arn: 'arn:aws:sqs:us-east-1:123456789012:Q'}]",
            ),
            resource(
                "Off",
                "Events::Rule",
                &format!("State: DISABLED, Targets: [{{Arn: '{FN_ARN}'}}]"),
            ),
            resource(
                "Time",
                "Scheduler::Schedule",
                &format!("Target: {{Arn: '{FN_ARN}:live'}}"),
            ),
            resource(
                "Sub",
                "SNS::Subscription",
                &format!("Protocol: lambda, Endpoint: '{FN_ARN}'"),
            ),
            resource(
                "Mail",
                "SNS::Subscription",
                "Protocol: email, Endpoint: a@example.com",
            ),
            resource(
                "Logs",
                "Logs::SubscriptionFilter",
                &format!("DestinationArn: '{FN_ARN}'"),
            ),
            resource(
                "Pool",
                "Cognito::UserPool",
                &format!("LambdaConfig: {{PreSignUp: '{FN_ARN}'}}"),
            ),
        ];
        let written = Project::new().write(&format!("{FN}{}", resources.concat()));
        let hint = "invoke it with: lambkin invoke Fn event.json";
        assert_eq!(
            written.refusals,
            [
                format!("template.yaml:5:1: Rule: schedules are not emulated, and Fn gets none; {hint}"),
                "template.yaml:6:1: Pattern: EventBridge events are not emulated, and the queue Q gets none; send messages \
                 to it yourself, with SendMessage"
                    .to_owned(),
                format!("template.yaml:8:1: Time: schedules are not emulated, and Fn gets none; {hint}"),
                format!("template.yaml:9:1: Sub: messages of SNS topics are not emulated, and Fn gets none; {hint}"),
                format!("template.yaml:11:1: Logs: CloudWatch Logs events are not emulated, and Fn gets none; {hint}"),
                format!(
                    "template.yaml:12:79: PreSignUp of Pool: Cognito events are not emulated, and Fn gets none; {hint}"
                ),
            ]
        );
        assert_eq!(
            written.notes,
            [
                "template.yaml:7:1: Off is left out: its State is DISABLED",
                "1 resource without an effect here: 1 AWS::SNS::Subscription",
            ]
        );
    }
}
