//! Where notifications go: queues, functions and topics, by their ARNs.

use crate::service::call::Call;
use crate::service::error::{self, Error};
use crate::service::store::{BucketInfo, Target};

/// A kind of destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A queue of SQS.
    Queue,
    /// A function of Lambda.
    Function,
    /// A topic of SNS.
    Topic,
}

impl Kind {
    /// The kind of a configuration, by the name of its element.
    pub fn of_element(name: &str) -> Option<Self> {
        let kinds = [Self::Queue, Self::Function, Self::Topic];
        kinds.into_iter().find(|kind| kind.element() == name)
    }

    /// The element of a configuration of this kind.
    pub fn element(self) -> &'static str {
        match self {
            Self::Queue => "QueueConfiguration",
            Self::Function => "CloudFunctionConfiguration",
            Self::Topic => "TopicConfiguration",
        }
    }

    /// The element that contains the ARN, which is also its name in errors.
    pub fn argument(self) -> &'static str {
        match self {
            Self::Queue => "Queue",
            Self::Function => "CloudFunction",
            Self::Topic => "Topic",
        }
    }

    fn service(self) -> &'static str {
        match self {
            Self::Queue => "sqs",
            Self::Function => "lambda",
            Self::Topic => "sns",
        }
    }
}

/// The destination of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// The kind.
    pub kind: Kind,
    /// The ARN as the client gave it.
    pub arn: String,
    /// The name of the queue or topic; that of a function with its qualifier, such as `resize:live`.
    pub name: String,
    region: String,
    account: String,
}

impl Destination {
    /// Reads an ARN.
    ///
    /// # Errors
    ///
    /// It is not one of this kind.
    pub fn parse(kind: Kind, arn: &str) -> Result<Self, Error> {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let unparsed =
            || error::invalid_argument(kind.argument(), arn, "The ARN could not be parsed");
        let &[prefix, partition, service, region, account, resource] = parts.as_slice() else {
            return Err(unparsed());
        };
        let name = match kind {
            Kind::Function => resource.strip_prefix("function:"),
            _ => Some(resource).filter(|name| !name.contains(':')),
        };
        let is_valid = prefix == "arn"
            && partition.starts_with("aws")
            && service == kind.service()
            && !region.is_empty()
            && account.len() == 12
            && account.bytes().all(|byte| byte.is_ascii_digit());
        match name {
            Some(name) if is_valid && !name.is_empty() => Ok(Self {
                kind,
                arn: arn.to_owned(),
                name: name.to_owned(),
                region: region.to_owned(),
                account: account.to_owned(),
            }),
            _ => Err(unparsed()),
        }
    }

    /// Refuses a destination in another region than the bucket. The region of the service is right for every bucket, as
    /// all queues and functions of the host are there.
    pub fn check_region(&self, call: &Call<'_>, bucket: &BucketInfo) -> Result<(), Error> {
        if self.region == call.context.region || self.region == call.region_of(bucket) {
            return Ok(());
        }
        Err(error::invalid_argument(
            self.kind.argument(),
            self.arn.as_str(),
            "The notification destination service region is not valid for the bucket location constraint",
        ))
    }

    /// What is wrong with the destination: the argument of the error, and the reason.
    pub fn problem(&self, call: &Call<'_>) -> Result<Option<(String, String)>, Error> {
        let arn = &self.arn;
        let exists = |target: Target| {
            if self.account != call.context.account {
                return Ok(false);
            }
            let exists = call.store().target_exists(target);
            exists.map_err(|error| call.store_error(error))
        };
        Ok(match self.kind {
            Kind::Queue if self.name.ends_with(".fifo") => Some((
                arn.clone(),
                "The destination queue is a FIFO queue, which S3 does not support".to_owned(),
            )),
            Kind::Queue if exists(Target::Queue(self.name.clone()))? => None,
            Kind::Queue => Some((
                arn.clone(),
                "The destination queue does not exist".to_owned(),
            )),
            Kind::Function if exists(Target::Function(self.name.clone()))? => None,
            Kind::Function => Some((
                format!("{arn}, null"),
                format!("Not authorized to invoke function [{arn}]"),
            )),
            Kind::Topic => Some((
                arn.clone(),
                "The destination topic does not exist".to_owned(),
            )),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_are_read_by_kind() {
        let name = |kind, arn: &str| Destination::parse(kind, arn).ok().map(|it| it.name);
        let function = "arn:aws:lambda:eu-west-1:123456789012:function:resize";
        assert_eq!(name(Kind::Function, function).as_deref(), Some("resize"));
        let live = format!("{function}:live");
        assert_eq!(name(Kind::Function, &live).as_deref(), Some("resize:live"));
        let queue = "arn:aws-cn:sqs:cn-north-1:123456789012:events";
        assert_eq!(name(Kind::Queue, queue).as_deref(), Some("events"));
        assert_eq!(name(Kind::Topic, queue), None);
        for arn in [
            "",
            "invalid-queue",
            "arn:aws:sqs:us-east-1:123456789012",
            "arn:aws:sqs:us-east-1:123456789012:",
            "arn:aws:sqs:us-east-1:1:events",
            "arn:aws:sqs::123456789012:events",
            "arn:aws:sqs:us-east-1:123456789012:a:b",
            function,
        ] {
            assert_eq!(name(Kind::Queue, arn), None, "{arn}");
        }
        assert_eq!(
            name(
                Kind::Function,
                "arn:aws:lambda:us-east-1:123456789012:resize"
            ),
            None
        );
    }
}
