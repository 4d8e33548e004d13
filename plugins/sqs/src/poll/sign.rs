//! AWS's Signature Version 4, for the only kind of request that is sent here: a `POST` to `/`.

use hmac::{Hmac, Mac};
use plugin_kit::{hex, time};
use sha2::{Digest, Sha256};

/// AWS credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The access key id: `AWS_ACCESS_KEY_ID`.
    pub id: String,
    /// The secret access key: `AWS_SECRET_ACCESS_KEY`.
    pub secret: String,
    /// The session token of temporary credentials: `AWS_SESSION_TOKEN`.
    pub token: Option<String>,
}

impl Credentials {
    /// Reads the credentials from environment variables. A missing one is `test`: emulators accept any.
    pub fn from_variables(variables: &[(String, String)]) -> Self {
        let value = |name: &str| {
            let found = variables
                .iter()
                .find(|(key, value)| key == name && !value.is_empty());
            found.map(|(_, value)| value.clone())
        };
        Self {
            id: value("AWS_ACCESS_KEY_ID").unwrap_or_else(|| "test".to_owned()),
            secret: value("AWS_SECRET_ACCESS_KEY").unwrap_or_else(|| "test".to_owned()),
            token: value("AWS_SESSION_TOKEN"),
        }
    }
}

/// The headers of a signed request, including `content-type` and `authorization`; names are in lower case.
pub fn headers(
    credentials: &Credentials,
    authority: &str,
    region: &str,
    target: &str,
    body: &str,
    at_seconds: u64,
) -> Vec<(String, String)> {
    let time = time::iso_basic(at_seconds.saturating_mul(1000));
    let day = time.split('T').next().unwrap_or_default();
    let mut signed = vec![
        (
            "content-type".to_owned(),
            super::wire::CONTENT_TYPE.to_owned(),
        ),
        ("host".to_owned(), authority.to_owned()),
        ("x-amz-date".to_owned(), time.clone()),
    ];
    if let Some(token) = &credentials.token {
        signed.push(("x-amz-security-token".to_owned(), token.clone()));
    }
    signed.push(("x-amz-target".to_owned(), target.to_owned()));
    let names: Vec<&str> = signed.iter().map(|(name, _)| name.as_str()).collect();
    let signed_headers = names.join(";");
    let lines: String = signed
        .iter()
        .map(|(name, value)| format!("{name}:{value}\n"))
        .collect();
    let canonical = format!(
        "POST\n/\n\n{lines}\n{signed_headers}\n{}",
        hex::encode(&Sha256::digest(body))
    );
    let scope = format!("{day}/{region}/sqs/aws4_request");
    let to_sign = format!(
        "AWS4-HMAC-SHA256\n{time}\n{scope}\n{}",
        hex::encode(&Sha256::digest(canonical))
    );
    let secret = format!("AWS4{}", credentials.secret);
    let key = [day, region, "sqs", "aws4_request"]
        .iter()
        .fold(secret.into_bytes(), |key, part| hmac(&key, part));
    let signature = hex::encode(&hmac(&key, &to_sign));
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={signed_headers}, Signature={signature}",
        credentials.id
    );
    signed.retain(|(name, _)| name != "host");
    signed.push(("authorization".to_owned(), authorization));
    signed
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    // HMAC accepts keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return Vec::new();
    };
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected signature is botocore's for the same request.
    #[test]
    fn the_signature_equals_botocores() {
        let credentials = Credentials {
            id: "AKIDEXAMPLE".to_owned(),
            secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned(),
            token: None,
        };
        let headers = headers(
            &credentials,
            "sqs.us-east-1.amazonaws.com",
            "us-east-1",
            "AmazonSQS.ReceiveMessage",
            r#"{"QueueUrl":"https://sqs.us-east-1.amazonaws.com/123456789012/q"}"#,
            1_440_938_160,
        );
        let authorization = &headers.last().unwrap().1;
        let signature = authorization.rsplit('=').next().unwrap();
        assert_eq!(signature, BOTOCORE_SIGNATURE);
    }

    const BOTOCORE_SIGNATURE: &str =
        "92c3d06c37ef5c79f027ba9f3a1d99a3dfba95e108708fd1d781ced007e364a0";
}
