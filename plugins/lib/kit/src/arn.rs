//! Names of resources: `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`.

/// The partition a region belongs to.
pub fn partition(region: &str) -> &'static str {
    const PARTITIONS: [(&str, &str); 2] = [("cn-", "aws-cn"), ("us-gov-", "aws-us-gov")];

    PARTITIONS
        .into_iter()
        .find(|(prefix, _)| region.starts_with(prefix))
        .map_or("aws", |(_, partition)| partition)
}

/// The ARN of a queue.
pub fn queue(region: &str, account: &str, name: &str) -> String {
    format!("arn:{}:sqs:{region}:{account}:{name}", partition(region))
}

/// The ARN of a bucket, which names neither its region nor its account.
pub fn bucket(region: &str, name: &str) -> String {
    format!("arn:{}:s3:::{name}", partition(region))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_are_in_their_regions_partition() {
        for (region, partition) in [
            ("eu-central-1", "aws"),
            ("cn-north-1", "aws-cn"),
            ("us-gov-west-1", "aws-us-gov"),
        ] {
            assert_eq!(
                queue(region, "123456789012", "orders"),
                format!("arn:{partition}:sqs:{region}:123456789012:orders")
            );
            assert_eq!(bucket(region, "b"), format!("arn:{partition}:s3:::b"));
        }
    }
}
