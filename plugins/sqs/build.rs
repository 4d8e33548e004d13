//! Links the component for many short lives: a fresh instance serves each call, so memory starts small.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_ARCH").as_deref() == Ok("wasm32") {
        // 128 KiB of stack instead of 1 MiB. Overflowing it is a trap, never a silent overwrite: the stack lies first.
        println!("cargo::rustc-link-arg-cdylib=-zstack-size=131072");
    }
}
