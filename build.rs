//! Names two conditions of the build, so that the source states each in one word:
//! - `js`: the host is JavaScript (`wasm32-unknown-unknown`);
//! - `boundary`: the parts that serve the JavaScript boundary are compiled, which fuzz targets exercise too. Tests of the
//!   crate compile these parts as well; a build script cannot see that, so they appear as `any(test, boundary)`.

fn main() {
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|found| found == value);
    let js = is("CARGO_CFG_TARGET_ARCH", "wasm32") && is("CARGO_CFG_TARGET_OS", "unknown");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(js, boundary)");
    if js {
        println!("cargo::rustc-cfg=js");
    }
    if js || std::env::var_os("CARGO_CFG_FUZZING").is_some() {
        println!("cargo::rustc-cfg=boundary");
    }
}
