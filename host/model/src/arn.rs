//! Amazon Resource Names: `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`.
//!
//! A partition is a group of regions that AWS runs apart from the others; each has its own prefix of region names.
//! The plugins' library (`plugins/lib/kit`) has the same table, so an ARN that a plugin prints is one that the host
//! accepts.

/// The partitions other than `aws`, by the prefix of their regions' names: AWS's list in `partitions.json` of its SDKs.
const PARTITIONS: [(&str, &str); 7] = [
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("us-iso-", "aws-iso"),
    ("us-isob-", "aws-iso-b"),
    ("eu-isoe-", "aws-iso-e"),
    ("us-isof-", "aws-iso-f"),
    ("eusc-", "aws-eusc"),
];

/// The partition that a region belongs to; `aws` for a region with none of the known prefixes.
pub fn partition(region: &str) -> &'static str {
    PARTITIONS
        .into_iter()
        .find(|(prefix, _)| region.starts_with(prefix))
        .map_or("aws", |(_, partition)| partition)
}

/// The ARN of a resource that belongs to a region, in that region's partition. The parts are not checked.
pub fn arn(service: &str, region: &str, account: &str, resource: &str) -> String {
    let partition = partition(region);
    format!("arn:{partition}:{service}:{region}:{account}:{resource}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_is_in_the_partition_of_its_region() {
        for (region, partition) in [
            ("eu-central-1", "aws"),
            ("us-east-1", "aws"),
            ("cn-north-1", "aws-cn"),
            ("us-gov-west-1", "aws-us-gov"),
            ("us-iso-east-1", "aws-iso"),
            ("us-isob-east-1", "aws-iso-b"),
            ("eu-isoe-west-1", "aws-iso-e"),
            ("us-isof-south-1", "aws-iso-f"),
            ("eusc-de-east-1", "aws-eusc"),
        ] {
            assert_eq!(
                arn("sqs", region, "123456789012", "orders"),
                format!("arn:{partition}:sqs:{region}:123456789012:orders")
            );
        }
    }
}
