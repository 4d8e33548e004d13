//! Queue attributes that the store keeps for the service without interpreting them, under AWS's names.

use crate::service::store::Settings;

/// The value of a kept attribute.
pub fn get<'a>(settings: &'a Settings, name: &str) -> Option<&'a str> {
    let found = settings.attributes.iter().find(|(other, _)| other == name);
    found.map(|(_, value)| value.as_str())
}

/// Sets a kept attribute; an empty value removes it.
pub fn set(settings: &mut Settings, name: &str, value: &str) {
    settings.attributes.retain(|(other, _)| other != name);
    if !value.is_empty() {
        settings
            .attributes
            .push((name.to_owned(), value.to_owned()));
    }
}
