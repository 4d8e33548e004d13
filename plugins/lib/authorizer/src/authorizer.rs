//! Authorizers as a plugin's calls read them: one line of its state, without tabs, and a field for each route.
//!
//! Reading them has to be cheap, and costs nothing for routes without an authorizer. `configure` refuses control
//! characters, so these separate the parts: U+001C the authorizers, U+001F their fields, U+001D the entries of a list.
//!
//! On failure: other text reads as `None`.

use alloc::string::String;

/// Separates authorizers.
const AUTHORIZER: char = '\u{1c}';
/// Separates the fields of an authorizer.
const FIELD: char = '\u{1f}';
/// Separates the entries of a list.
pub(crate) const ENTRY: char = '\u{1d}';

/// An authorizer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Authorizer<'a> {
    /// The name in the configuration.
    pub name: &'a str,
    /// How it judges.
    pub kind: Kind<'a>,
}

/// How an authorizer judges a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind<'a> {
    /// A function decides.
    Lambda(Lambda<'a>),
    /// A token of an issuer is verified.
    Token(Issuer<'a>),
    /// The request has to be signed with AWS's Signature Version 4.
    Iam,
}

/// What the function of a Lambda authorizer receives and returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// REST APIs: the token alone, and a policy.
    Token,
    /// REST and WebSocket APIs: the request, and a policy.
    Request,
    /// HTTP APIs with payload format 1.0: the request, and a policy.
    V1,
    /// HTTP APIs with payload format 2.0: the request, and a policy.
    V2,
    /// HTTP APIs with payload format 2.0: the request, and a simple response.
    V2Simple,
}

/// A Lambda authorizer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lambda<'a> {
    /// The function's name.
    pub function: &'a str,
    /// The event and the result.
    pub form: Form,
    /// The identity sources, as [`identity_source`](crate::identity_source) writes them.
    pub sources: List<'a>,
    /// A regular expression for the token; empty without one.
    pub validation: &'a str,
    /// How long a result is kept, in milliseconds; 0: it is not.
    pub ttl_ms: u32,
    /// How long the API waits for the function, in milliseconds.
    pub max_wait_ms: u32,
}

/// An issuer of tokens, and which tokens are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Issuer<'a> {
    /// Whether it is a user pool of Cognito behind a REST API; otherwise a JWT authorizer of an HTTP API.
    pub is_user_pool: bool,
    /// The identity source of the token.
    pub source: &'a str,
    /// The issuer's URL.
    pub url: &'a str,
    /// The accepted audiences. User pools: empty accepts all.
    pub audience: List<'a>,
    /// Empty: where the issuer's discovery document says. Otherwise the URL of the keys, or the keys as JSON.
    pub keys: &'a str,
}

/// A list of texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct List<'a>(pub &'a str);

impl<'a> List<'a> {
    /// The texts. There are no empty ones.
    pub fn iter(self) -> impl Iterator<Item = &'a str> + Clone {
        self.0.split(ENTRY).filter(|entry| !entry.is_empty())
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }
}

/// The authorizer of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guard<'a> {
    /// The authorizer's name.
    pub authorizer: &'a str,
    /// The scopes of which a token needs one; empty: none is needed.
    pub scopes: List<'a>,
}

impl<'a> Guard<'a> {
    /// Reads a field that [`Guard::write`] has written. `None` for an empty one: a route without an authorizer.
    pub fn read(field: &'a str) -> Option<Self> {
        let (authorizer, scopes) = field.split_once(FIELD)?;
        Some(Self {
            authorizer,
            scopes: List(scopes),
        })
    }

    /// The guard as a field of a state.
    pub fn write(&self) -> String {
        joined([self.authorizer, self.scopes.0], FIELD)
    }
}

/// The authorizer with this name, from a line of [`Authorizer::write`]s, joined with [`join`].
pub fn find<'a>(line: &'a str, name: &str) -> Option<Authorizer<'a>> {
    line.split(AUTHORIZER)
        .filter_map(Authorizer::read)
        .find(|authorizer| authorizer.name == name)
}

/// A line of authorizers.
pub fn join<'a>(authorizers: impl IntoIterator<Item = &'a str>) -> String {
    joined(authorizers, AUTHORIZER)
}

/// Texts with a separator between them.
pub(crate) fn joined<'a>(texts: impl IntoIterator<Item = &'a str>, separator: char) -> String {
    let mut joined = String::new();
    for (index, text) in texts.into_iter().enumerate() {
        if index > 0 {
            joined.push(separator);
        }
        joined.push_str(text);
    }
    joined
}

impl Form {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Token, "token"),
        (Self::Request, "request"),
        (Self::V1, "1.0"),
        (Self::V2, "2.0"),
        (Self::V2Simple, "simple"),
    ];

    fn from_name(name: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(_, known)| *known == name);
        found.map(|(form, _)| *form)
    }

    fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(form, _)| *form == self);
        found.map_or("", |(_, name)| name)
    }

    /// Whether the API is an HTTP API, which is less strict about results.
    pub fn is_of_http_api(self) -> bool {
        matches!(self, Self::V1 | Self::V2 | Self::V2Simple)
    }
}

impl<'a> Authorizer<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let mut fields = text.split(FIELD);
        let (name, kind) = (fields.next()?, fields.next()?);
        let kind = match kind {
            "iam" => Kind::Iam,
            "jwt" | "cognito" => Kind::Token(Issuer {
                is_user_pool: kind == "cognito",
                source: fields.next()?,
                url: fields.next()?,
                audience: List(fields.next()?),
                keys: fields.next()?,
            }),
            form => Kind::Lambda(Lambda {
                form: Form::from_name(form)?,
                function: fields.next()?,
                sources: List(fields.next()?),
                validation: fields.next()?,
                ttl_ms: fields.next()?.parse().ok()?,
                max_wait_ms: fields.next()?.parse().ok()?,
            }),
        };
        Some(Self { name, kind })
    }

    /// The authorizer as a part of a line.
    pub fn write(&self) -> String {
        use alloc::string::ToString as _;

        match self.kind {
            Kind::Iam => joined([self.name, "iam"], FIELD),
            Kind::Token(issuer) => {
                let kind = if issuer.is_user_pool {
                    "cognito"
                } else {
                    "jwt"
                };
                let Issuer {
                    source, url, keys, ..
                } = issuer;
                joined(
                    [self.name, kind, source, url, issuer.audience.0, keys],
                    FIELD,
                )
            }
            Kind::Lambda(lambda) => joined(
                [
                    self.name,
                    lambda.form.name(),
                    lambda.function,
                    lambda.sources.0,
                    lambda.validation,
                    &lambda.ttl_ms.to_string(),
                    &lambda.max_wait_ms.to_string(),
                ],
                FIELD,
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorizers_and_guards_read_back_as_they_were_written() {
        let lambda = |form| {
            Kind::Lambda(Lambda {
                function: "f:live",
                form,
                sources: List("h:a\u{1d}q:b"),
                validation: "^a b$",
                ttl_ms: 300_000,
                max_wait_ms: 10_000,
            })
        };
        let issuer = |is_user_pool| {
            Kind::Token(Issuer {
                is_user_pool,
                source: "h:Authorization",
                url: "https://issuer.example",
                audience: List("a\u{1d}b"),
                keys: "{\"keys\":[]}",
            })
        };
        let kinds = [
            lambda(Form::Token),
            lambda(Form::V2Simple),
            issuer(true),
            issuer(false),
            Kind::Iam,
        ];
        let all: Vec<_> = ["a", "b", "c", "d", "e"]
            .into_iter()
            .zip(kinds)
            .map(|(name, kind)| Authorizer { name, kind })
            .collect();
        let texts: Vec<_> = all.iter().map(Authorizer::write).collect();
        let line = join(texts.iter().map(String::as_str));
        for authorizer in &all {
            assert_eq!(find(&line, authorizer.name), Some(*authorizer));
        }
        assert_eq!(find(&line, "f"), None);
        assert_eq!(find("", "a"), None);

        let guard = Guard {
            authorizer: "a",
            scopes: List("read\u{1d}write"),
        };
        assert_eq!(Guard::read(&guard.write()), Some(guard));
        assert_eq!(guard.scopes.iter().collect::<Vec<_>>(), ["read", "write"]);
        assert_eq!(Guard::read(""), None);
        assert!(List("").is_empty() && List("").iter().next().is_none());
    }
}
