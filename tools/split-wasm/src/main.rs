//! Cuts a WebAssembly module in two: the functions that a profile has seen at work, and the rest, loaded after it.
//!
//! ```text
//! split-wasm instrument WHOLE OUT               each function notes that it was called, in an exported global
//! split-wasm split WHOLE PROFILE FIRST REST     PROFILE: the indices of the functions of the first, one a line
//! ```

mod instrument;
mod module;
mod split;

use anyhow::{Context, Result, bail};
use std::fs;

/// Part of the name of the function, imported by the module, that loads the rest.
const LOADER: &str = "loadRest";

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [command, whole, ..] = arguments[..] else { bail!("no module is named") };
    let bytes = fs::read(whole).with_context(|| format!("cannot read {whole}"))?;
    let module = module::Module::parse(&bytes).with_context(|| format!("cannot take {whole} apart"))?;
    match (command, &arguments[2..]) {
        ("instrument", [out]) => fs::write(out, instrument::instrument(&module, &bytes)?)?,
        ("split", [profile, first, rest]) => {
            let profile = fs::read_to_string(profile).with_context(|| format!("cannot read {profile}"))?;
            let called = profile.lines().map(str::parse).collect::<Result<_, _>>()?;
            let parts = split::split(&module, &called, LOADER)?;
            fs::write(first, parts.0)?;
            fs::write(rest, parts.1)?;
        }
        _ => bail!("instrument WHOLE OUT, or split WHOLE PROFILE FIRST REST"),
    }
    Ok(())
}
