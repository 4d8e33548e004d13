//! Origins that plugins may reach.

/// An origin is a scheme, a host and perhaps a port, and nothing after it.
pub fn check_origin(text: &str) -> Result<(), String> {
    let scheme = |prefix| text.strip_prefix(prefix);
    let authority = scheme("http://").or_else(|| scheme("https://"));
    let is_host = |host: &str| {
        let mut bytes = host.bytes();
        !host.is_empty() && bytes.all(|byte| byte.is_ascii_graphic() && !b"/?#@\\".contains(&byte))
    };
    let has_valid_port = |authority: &str| match authority.rsplit_once(':') {
        // A `]` ends an IPv6 address, whose colons separate no port.
        Some((host, port)) if !port.ends_with(']') => {
            !host.is_empty() && port.parse::<u16>().is_ok()
        }
        _ => true,
    };
    if authority.is_some_and(|authority| is_host(authority) && has_valid_port(authority)) {
        return Ok(());
    }
    Err(format!(
        "must be a list of origins without paths, such as \"http://127.0.0.1:9324\" or \
         \"https://sqs.eu-west-1.amazonaws.com\"; {text:?} is not an origin"
    ))
}
