//! The plugins that come with Lambkin, carried in the binary as component bytes.
//!
//! A built-in is a plugin like any other: written against `wit/` alone, loaded through the same checks and run
//! under the same limits as a third party's file. Being built in means only that its name needs no path.
//!
//! `build.rs` compiles each crate of `plugins/` from source, or takes its committed twin from `plugins/prebuilt/`
//! where the compiler's `wasm32-wasip2` target is not installed. Nothing here fails at run time.

/// Each built-in's name and bytes, in the order of their names.
static PLUGINS: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/plugins.rs"));

/// Their names alone, in the same order.
static NAMES: &[&str] = include!(concat!(env!("OUT_DIR"), "/names.rs"));

/// The component of the built-in with this name.
pub fn find(name: &str) -> Option<&'static [u8]> {
    PLUGINS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, bytes)| *bytes)
}

/// The built-ins' names, sorted.
pub fn names() -> &'static [&'static str] {
    NAMES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_is_a_component() {
        assert!(names().contains(&"api-gateway-http"));
        for name in names() {
            let bytes = find(name).expect("a listed name is found");
            assert_eq!(
                &bytes[..8],
                b"\0asm\x0d\0\x01\0",
                "{name} does not start as a component does"
            );
        }
    }

    #[test]
    fn an_unknown_name_is_not_found() {
        assert_eq!(find("api-gateway-htt"), None);
    }
}
