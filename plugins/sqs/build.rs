//! Sets the stack size of the component. Each call runs in a fresh instance, so its memory should start small.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_ARCH").as_deref() == Ok("wasm32") {
        // 128 KiB instead of 1 MiB. An overflow traps, because the stack is at the start of the memory.
        println!("cargo::rustc-link-arg-cdylib=-zstack-size=131072");
    }
}
