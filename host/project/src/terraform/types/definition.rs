//! The form of a type's definition.

/// A type of resources.
pub struct Type {
    /// Terraform's name.
    pub kind: &'static str,
    /// CloudFormation's.
    pub cfn: &'static str,
    /// Attributes and properties, as paths with dots.
    pub properties: &'static [(&'static str, &'static str)],
}

/// A type.
pub const fn plain(
    kind: &'static str,
    cfn: &'static str,
    properties: &'static [(&'static str, &'static str)],
) -> Type {
    Type {
        kind,
        cfn,
        properties,
    }
}
