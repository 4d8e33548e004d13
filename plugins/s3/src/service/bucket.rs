//! Buckets: ListBuckets, CreateBucket, HeadBucket, DeleteBucket, GetBucketLocation.

use plugin_kit::arn;

use super::acl;
use super::address;
use super::bucket_settings;
use super::call::{Call, EU, EU_WEST_1, LOCATION};
use super::error::{self, Error};
use super::limits;
use super::list;
use super::message::{self, Response};
use super::object_lock;
use super::store::{Pairs, StoreError, Versioning};
use super::tagging;
use super::xml::{Element, Writer};
use crate::encoding;

const US_EAST_1: &str = "us-east-1";

/// ListBuckets.
pub fn list(call: &mut Call<'_>) -> Result<Response, Error> {
    let max = match call.query("max-buckets") {
        None => limits::MAX_BUCKETS,
        Some(text) => text
            .parse()
            .ok()
            .filter(|max| (1..=limits::MAX_BUCKETS).contains(max))
            .ok_or_else(|| {
                error::invalid_argument(
                    "max-buckets",
                    text,
                    "Argument max-buckets must be an integer between 1 and 10000",
                )
            })?,
    };
    let prefix = call.query("prefix");
    let token = call
        .query("continuation-token")
        .filter(|token| !token.is_empty());
    let after = token.map(list::continued).transpose()?;
    let wanted = call.query("bucket-region");
    // One more bucket shows whether the list is truncated.
    let mut buckets = call
        .store()
        .buckets(
            prefix.unwrap_or_default(),
            after.as_deref(),
            max.saturating_add(1),
        )
        .map_err(|error| call.store_error(error))?;
    let page = usize::try_from(max).unwrap_or(usize::MAX);
    let truncated = buckets.len() > page;
    buckets.truncate(page);
    let paginated = [prefix, token, wanted, call.query("max-buckets")]
        .iter()
        .any(Option::is_some);
    let next = buckets
        .last()
        .filter(|_| truncated)
        .map(|bucket| list::token(&bucket.name));
    Ok(Response::xml(Writer::document(
        "ListAllMyBucketsResult",
        |xml| {
            list::write_owner(xml, "Owner", &call.context.owner());
            xml.element("Buckets", |xml| {
                for bucket in &buckets {
                    let place = call.region_of(bucket);
                    if wanted.is_none_or(|wanted| wanted == place) {
                        xml.element("Bucket", |xml| {
                            xml.text("Name", &bucket.name);
                            xml.text("CreationDate", encoding::list_time(bucket.created_at_ms));
                            xml.optional("BucketRegion", paginated.then_some(place));
                            let arn = paginated.then(|| arn(call, &bucket.name));
                            xml.optional("BucketArn", arn);
                        });
                    }
                }
            });
            xml.optional("Prefix", prefix);
            xml.optional("ContinuationToken", next);
        },
    )))
}

fn arn(call: &Call<'_>, name: &str) -> String {
    arn::bucket(call.context.region, name)
}

/// CreateBucket.
pub fn create(call: &mut Call<'_>) -> Result<Response, Error> {
    let name = call.bucket.clone();
    if !address::is_bucket_name(&name) {
        return Err(error::INVALID_BUCKET_NAME.with("BucketName", name));
    }
    let locked = call
        .header("x-amz-bucket-object-lock-enabled")
        .is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let document = call.unchecked_document()?;
    let mut attributes = Pairs::new();
    let mut wanted = None;
    if !document.is_empty() {
        let root = Element::parse(&document)
            .filter(|root| root.name == "CreateBucketConfiguration")
            .ok_or_else(|| error::MALFORMED_XML.error())?;
        wanted = root
            .text_of("LocationConstraint")
            .map(str::trim)
            .filter(|place| !place.is_empty())
            .map(str::to_owned);
        if let Some(tags) = root.child("Tags") {
            attributes.extend(tagging::of_bucket(tags)?);
        }
    }
    if let Some(place) = check_location(call.context.region, wanted.as_deref())? {
        attributes.push((LOCATION.to_owned(), place));
    }
    if let Some(chosen) = call.header("x-amz-object-ownership") {
        let refused = |_| {
            error::INVALID_ARGUMENT
                .with_message(format!("Invalid x-amz-object-ownership header: {chosen}"))
                .with("ArgumentName", "x-amz-object-ownership")
        };
        let document = bucket_settings::ownership(chosen).map_err(refused)?;
        attributes.push(("ownershipControls".to_owned(), document));
    }
    let enforced = message::find(&attributes, "ownershipControls")
        .is_none_or(|document| document.contains("BucketOwnerEnforced"));
    attributes.extend(acl::of_new_bucket(call.request, enforced)?);
    if locked {
        attributes.push((object_lock::ATTRIBUTE.to_owned(), object_lock::enabled()));
    }
    match call.store().create(&name, attributes.clone()) {
        // In us-east-1, AWS accepts this for compatibility with old scripts.
        Err(StoreError::Exists) if call.context.region == US_EAST_1 && wanted.is_none() => {}
        Err(StoreError::Denied) => {
            eprintln!(
                "s3: CreateBucket {name:?}: no name in `buckets` of this service's section allows it"
            );
            return Err(error::ACCESS_DENIED.error());
        }
        created => {
            created.map_err(|error| call.store_error(error))?;
            if locked {
                call.store()
                    .change(&name, Versioning::On, attributes)
                    .map_err(|error| call.store_error(error))?;
            }
        }
    }
    let place = match wanted {
        None => format!("/{name}"),
        Some(_) => address::of_bucket(call),
    };
    Ok(Response::new(200)
        .with("Location", place)
        .with("x-amz-bucket-arn", arn(call, &name)))
}

/// The region of a new bucket, if it is not the service's own. The endpoint of us-east-1 creates buckets in every
/// region, all others only in their own.
fn check_location(own: &str, wanted: Option<&str>) -> Result<Option<String>, Error> {
    let place = match wanted {
        None if own == US_EAST_1 => return Ok(None),
        None => return Err(error::ILLEGAL_LOCATION.error()),
        Some(place) => place,
    };
    if own == US_EAST_1 && place != US_EAST_1 && (place == EU || is_region(place)) {
        return Ok(Some(place.to_owned()));
    }
    if own == US_EAST_1 {
        return Err(error::INVALID_LOCATION.with("LocationConstraint", place));
    }
    if place == EU && own == EU_WEST_1 {
        return Ok(Some(place.to_owned()));
    }
    if own == place {
        return Ok(None);
    }
    Err(error::ILLEGAL_LOCATION.with_message(format!(
        "The {place} location constraint is incompatible for the region specific endpoint this request was sent to."
    )))
}

/// Whether a name has the form of a region, such as `eu-central-1`.
fn is_region(name: &str) -> bool {
    let words: Vec<&str> = name.split('-').collect();
    words.len() >= 3
        && words.iter().all(|word| !word.is_empty())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && words
            .last()
            .is_some_and(|word| word.bytes().all(|byte| byte.is_ascii_digit()))
}

/// HeadBucket.
pub fn head(call: &mut Call<'_>) -> Result<Response, Error> {
    let bucket = call.bucket_info()?;
    Ok(Response::new(200)
        .with("Content-Type", "application/xml")
        .with("x-amz-bucket-region", call.region_of(&bucket))
        .with("x-amz-bucket-arn", arn(call, &bucket.name))
        .with("x-amz-access-point-alias", "false"))
}

/// DeleteBucket.
pub fn delete(call: &mut Call<'_>) -> Result<Response, Error> {
    let deleted = call.store().delete(&call.bucket);
    deleted.map_err(|error| {
        let versioned = error == StoreError::NotEmpty
            && call
                .bucket_info()
                .is_ok_and(|bucket| bucket.versioning != Versioning::Off);
        if versioned {
            error::BUCKET_NOT_EMPTY
                .with_message(
                    "The bucket you tried to delete is not empty. You must delete all versions in the bucket.",
                )
                .with("BucketName", call.bucket.as_str())
        } else {
            call.store_error(error)
        }
    })?;
    Ok(Response::new(204))
}

/// GetBucketLocation. The location of a bucket in us-east-1 is empty, and one that was created in `EU` is there.
pub fn location(call: &mut Call<'_>) -> Result<Response, Error> {
    let bucket = call.bucket_info()?;
    let place = message::find(&bucket.attributes, LOCATION)
        .unwrap_or(call.context.region)
        .to_owned();
    let mut document = Writer::document("LocationConstraint", |xml| {
        if place != US_EAST_1 {
            xml.raw(&place);
        }
    });
    if place == US_EAST_1 {
        document = document.replace("></LocationConstraint>", "/>");
    }
    Ok(Response::xml(document))
}

#[cfg(test)]
mod tests {
    use super::check_location;

    #[test]
    fn only_us_east_1_creates_buckets_in_other_regions() {
        let place = |own: &str, wanted: Option<&str>| {
            check_location(own, wanted).map_err(|error| error.code().to_owned())
        };
        let illegal = Err("IllegalLocationConstraintException".to_owned());
        let invalid = Err("InvalidLocationConstraint".to_owned());
        assert_eq!(place("us-east-1", None), Ok(None));
        assert_eq!(place("us-east-1", Some("EU")), Ok(Some("EU".to_owned())));
        assert_eq!(place("us-east-1", Some("us-east-1")), invalid);
        assert_eq!(place("us-east-1", Some("aws-global")), invalid);
        assert_eq!(place("us-west-1", None), illegal);
        assert_eq!(place("us-west-1", Some("us-west-1")), Ok(None));
        for elsewhere in ["us-east-1", "us-east-2", "aws-global", "EU"] {
            assert_eq!(place("us-west-1", Some(elsewhere)), illegal, "{elsewhere}");
        }
        assert_eq!(place("eu-west-1", Some("EU")), Ok(Some("EU".to_owned())));
    }
}
