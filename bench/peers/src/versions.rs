//! What took part, and on what.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::subjects;

/// Those that take part in tables of their own only.
#[cfg(not(target_os = "wasi"))]
const OTHERS: [&str; 2] = ["feoxdb", "ferrumdb"];
#[cfg(target_os = "wasi")]
const OTHERS: [&str; 0] = [];

/// The versions of all subjects, from the lock file that the program was built with.
pub fn of_packages() -> BTreeMap<String, String> {
    let lock = include_str!("../Cargo.lock");
    let locked = |package: &str| {
        let (_, rest) = lock.split_once(&format!("name = \"{package}\"\nversion = \""))?;
        Some(rest.split_once('"')?.0.to_owned())
    };
    let mut packages: Vec<_> = subjects::all().iter().map(|subject| subject.package).collect();
    packages.extend(OTHERS);
    let versions = packages.into_iter().filter_map(|package| Some((package.to_owned(), locked(package)?)));
    #[cfg(feature = "sqlite")]
    let versions = versions.chain([("SQLite".to_owned(), rusqlite::version().to_owned())]);
    versions.collect()
}

/// What is known of the machine; nothing where the host has no `/proc`.
pub fn machine() -> BTreeMap<String, Value> {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let processors = read("/proc/cpuinfo");
    let cores = processors.lines().filter(|line| line.starts_with("processor")).count();
    let memory =
        field(&read("/proc/meminfo"), "MemTotal").and_then(|text| text.strip_suffix(" kB")?.parse::<u64>().ok());
    let system = format!("{} {}", read("/proc/sys/kernel/ostype").trim(), read("/proc/sys/kernel/osrelease").trim());
    BTreeMap::from([
        ("cpu".into(), json!(field(&processors, "model name").unwrap_or_default())),
        ("cores".into(), json!(cores)),
        ("memory".into(), json!(memory.map(|kib| format!("{:.0} GB", kib as f64 * 1024.0 / 1e9)))),
        ("system".into(), json!(system)),
    ])
}
