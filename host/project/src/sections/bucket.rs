//! `[buckets.NAME]` of `AWS::S3::Bucket`, and the service `s3`.

use crate::context::Context;
use crate::document::{Document, Table};
use crate::resource::{Resource, Stack};
use crate::sections::ports;

/// The type of the resources.
pub const KIND: &str = "AWS::S3::Bucket";

/// Writes the buckets of a stack.
pub fn write(context: &Context, stack: &Stack, document: &mut Document) {
    for bucket in stack.of_kind(KIND) {
        let table = read(context, bucket);
        let buckets = document.root.table("buckets");
        if buckets.get(&bucket.name).is_some() {
            let message = format!(
                "there are two buckets {}: {} is left out; give it another BucketName",
                bucket.name, bucket.path
            );
            context.report.refuse(bucket.place, message);
            continue;
        }
        buckets.set(bucket.name.as_str(), table, bucket.place);
    }
    if !document.root.table("buckets").is_empty() {
        let service = document.root.table("services").table("s3");
        service.set("plugin", "s3", None);
        service.set("listen", ports::S3, None);
        service.set("buckets", vec!["*"], None);
    }
}

fn read(context: &Context, bucket: &Resource) -> Table {
    let mut table = Table::default();
    let status = bucket.properties.at(&["VersioningConfiguration", "Status"]);
    if let Some(status) = status
        && status.as_str() == Some("Enabled")
    {
        table.set("versioning", true, status.place);
    }
    if let Some(cors) = bucket.get("CorsConfiguration") {
        let message = format!(
            "CorsConfiguration of {} is left out: set it at the running service, with PutBucketCors",
            bucket.path
        );
        context.report.note(cors.place, message);
    }
    table
}

#[cfg(test)]
mod tests {
    use crate::sections::testing::write;

    #[test]
    fn a_bucket_has_a_service() {
        let text = write(
            "Photos:\n  Type: AWS::S3::Bucket\n  Properties:\n    VersioningConfiguration: {Status: Enabled}\n\
             Other:\n  Type: AWS::S3::Bucket\n  Properties:\n    BucketName: my-photos\n",
        );
        assert_eq!(
            text,
            "[buckets.photos]\nversioning = true\n\n[buckets.my-photos]\n\n[services.s3]\nplugin = \"s3\"\n\
             listen = \"127.0.0.1:9000\"\nbuckets = [\"*\"]\n"
        );
    }
}
