//! Tests of a method, as the console of AWS makes them: what is different about their events, as recorded.
//!
//! No client sends them, so there are no headers but those that the user gives. There are no authorizers, API keys and
//! throttles; the account's root user is the caller.

/// The stage.
pub const STAGE: &str = "test-invoke-stage";

/// The first label of the domain name.
pub const DOMAIN_PREFIX: &str = "testPrefix";

/// The domain name.
pub const DOMAIN_NAME: &str = "testPrefix.testDomainName";

/// The value of the API key.
pub const API_KEY: &str = "test-invoke-api-key";

/// The id of the API key.
pub const API_KEY_ID: &str = "test-invoke-api-key-id";

/// What is in the place of the client's address.
pub const SOURCE_IP: &str = "test-invoke-source-ip";

/// The access key of the caller: the example of AWS's documentation.
pub const ACCESS_KEY: &str = "ASIAIOSFODNN7EXAMPLE";

/// The program that sends the request.
pub const USER_AGENT: &str = "aws-internal/3 aws-sdk-java/1.12.154 Linux/5.4.156-94.273.amzn2int.x86_64 \
    OpenJDK_64-Bit_Server_VM/25.322-b06 java/1.8.0_322 vendor/Oracle_Corporation cfg/retry-mode/standard";
