//! The built-in plugins, as compressed components in the binary.
//!
//! A built-in plugin is written against `wit/` alone, loaded with the same checks and run with the same limits as a
//! third party's file. The only difference is that the configuration refers to it by name instead of by path.
//!
//! `build.rs` compiles each crate of `plugins/` from source. If the compiler's `wasm32-wasip2` target is not
//! installed, it uses the committed component in `plugins/prebuilt/`. Compressed, all of them are a third as large, and
//! take a millisecond or two to unpack.
//!
//! On failure: nothing here fails at run time, unless the program's file is damaged, which panics.

/// A built-in plugin.
struct BuiltIn {
    name: &'static str,
    /// Compressed with Zstandard, in one frame that says its size.
    component: &'static [u8],
    settings: &'static str,
}

/// All built-in plugins, sorted by name.
static PLUGINS: &[BuiltIn] = include!(concat!(env!("OUT_DIR"), "/plugins.rs"));

/// The names of all built-in plugins, sorted.
static NAMES: &[&str] = include!(concat!(env!("OUT_DIR"), "/names.rs"));

fn plugin(name: &str) -> Option<&'static BuiltIn> {
    PLUGINS.iter().find(|plugin| plugin.name == name)
}

/// The component of the built-in plugin with this name. It is unpacked in each call, which takes a millisecond or two.
#[expect(
    clippy::expect_used,
    reason = "it fails only if the program's file is damaged"
)]
pub fn find(name: &str) -> Option<Vec<u8>> {
    let packed = plugin(name)?.component;
    let size = zstd::zstd_safe::get_frame_content_size(packed)
        .ok()
        .flatten();
    let size = size
        .and_then(|size| usize::try_from(size).ok())
        .expect("the size of the component");
    Some(zstd::bulk::decompress(packed, size).expect("the component"))
}

/// The documentation of the settings of the built-in plugin with this name: a JSON object that has, for each role of
/// the plugin, the list of the keys that it reads in this role. A key is a JSON Schema with the additional members
/// `key` (its name), `required` (a boolean) and `unit` (of a number).
pub fn settings(name: &str) -> Option<&'static str> {
    plugin(name).map(|plugin| plugin.settings)
}

/// The names of all built-in plugins, sorted.
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

    /// Panic messages name source files. Those are of a crate, and of no folder of the machine that built the plugin.
    #[test]
    fn no_component_names_a_folder_of_a_machine() {
        let mut named = 0;
        for name in names() {
            let bytes = find(name).expect("a listed name is found");
            let text = String::from_utf8_lossy(&bytes);
            named += text.matches("/crates/").count();
            for folder in [
                "/home/",
                "/root/",
                "/Users/",
                "/cargo/",
                "registry",
                "index.crates.io",
            ] {
                assert!(!text.contains(folder), "{name} contains {folder}");
            }
        }
        assert!(named > 0, "some messages name files of crates");
    }

    #[test]
    fn an_unknown_name_is_not_found() {
        assert_eq!(find("api-gateway-htt"), None);
    }
}
