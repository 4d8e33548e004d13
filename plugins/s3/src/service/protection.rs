//! What a request for a new object says about who may read or remove it: its access control list, its key and its lock.

use super::acl;
use super::call::Call;
use super::customer_key;
use super::error::Error;
use super::object_lock;
use super::store::Pairs;

impl Call<'_> {
    /// The metadata about the protection of a new object.
    pub fn protection(&self) -> Result<Pairs, Error> {
        let bucket = self.bucket_info();
        let mut metadata = acl::of_request(self.request, || bucket.clone())?;
        metadata.extend(customer_key::of_request(
            self.store(),
            &self.bucket,
            self.request,
        )?);
        let lock = object_lock::of_request(self.request, self.context.now_ms, || bucket)?;
        metadata.extend(lock);
        Ok(metadata)
    }
}
