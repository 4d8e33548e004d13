//! Names and ARNs of queues, as `lambkin.toml` writes them.

use lambkin_lambda::Account;
use lambkin_store::queue::Queues;

/// The suffix of the names of all FIFO queues and of no other queues.
pub const FIFO_SUFFIX: &str = ".fifo";

/// The name of the queue that `text`, a name or an ARN of this account and region, refers to.
pub fn name_of<'a>(text: &'a str, account: &Account) -> Result<&'a str, String> {
    if !text.starts_with("arn:") {
        return Ok(text);
    }
    let prefix = arn(account, "");
    text.strip_prefix(&prefix).ok_or_else(|| {
        format!(
            "must be a queue's name or its ARN, which begins with {prefix:?} here, not {text:?}"
        )
    })
}

/// The ARN of a queue.
pub fn arn(account: &Account, name: &str) -> String {
    lambkin_model::arn("sqs", &account.region, &account.id, name)
}

/// Returns what is wrong with a name that a queue cannot have.
pub fn check_name(name: &str) -> Result<(), &'static str> {
    if Queues::is_name(name) {
        return Ok(());
    }
    Err(
        "the name of a queue has 1 to 80 letters, digits, `-` and `_`, and ends in `.fifo` if it is a FIFO queue",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_is_in_the_partition_of_the_configured_region() {
        for (region, partition) in [
            ("eu-west-1", "aws"),
            ("cn-north-1", "aws-cn"),
            ("us-gov-west-1", "aws-us-gov"),
        ] {
            let account = Account {
                region: region.to_owned(),
                id: "123456789012".to_owned(),
            };
            let orders = format!("arn:{partition}:sqs:{region}:123456789012:orders");
            assert_eq!(name_of(&orders, &account), Ok("orders"));
            let of_another = format!("arn:aws-iso:sqs:{region}:123456789012:orders");
            assert!(name_of(&of_another, &account).is_err());
        }
    }
}
