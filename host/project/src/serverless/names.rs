//! The logical ids that the Serverless Framework gives to resources.
//!
//! Contract: the same names as `osls` gives, because `resources` and environment variables refer to them.

/// A key as the beginning of a logical id: `hello-world_x` is `HelloDashworldUnderscorex`.
pub fn normalized(key: &str) -> String {
    upper_first(&key.replace('-', "Dash").replace('_', "Underscore"))
}

/// A key with its letters and digits only.
pub fn alphanumeric(key: &str) -> String {
    let letters: String = key.chars().filter(char::is_ascii_alphanumeric).collect();
    upper_first(&letters)
}

/// A text with its first letter in upper case.
pub fn upper_first(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

/// The function's resource.
pub fn function(key: &str) -> String {
    format!("{}LambdaFunction", normalized(key))
}

/// A path, or a route key, as a part of a logical id: `users/{id}` is `UsersIdVar`.
pub fn path(path: &str) -> String {
    path.split('/').map(path_part).collect()
}

fn path_part(part: &str) -> String {
    let part = part.to_lowercase().replace('-', "Dash");
    // The outermost braces are those of a variable.
    let part = match (part.find('{'), part.rfind('}')) {
        (Some(open), Some(close)) if open < close => {
            let (before, rest) = part.split_at_checked(open).unwrap_or((&part, ""));
            let inside = rest.get(1..close - open).unwrap_or_default();
            let after = part.get(close + 1..).unwrap_or_default();
            format!("{before}{inside}Var{after}")
        }
        _ => part,
    };
    alphanumeric(&part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_become_parts_of_logical_ids() {
        assert_eq!(
            function("hello-world_x"),
            "HelloDashworldUnderscorexLambdaFunction"
        );
        assert_eq!(path("users/{id}/orders"), "UsersIdVarOrders");
        assert_eq!(path("GET /my-path/{proxy+}"), "GetMyDashpathProxyVar");
        assert_eq!(path("a.b/C"), "AbC");
        assert_eq!(path("{a}-{b}"), "ADashbVar");
    }
}
