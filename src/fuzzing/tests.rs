//! A short, deterministic run over the inputs that are kept, and over changes of them.

use super::TARGETS;
use super::changes::change;
use std::path::Path;

/// Inputs of a target, by the name of their file.
fn inputs(target: &str) -> Vec<(String, Vec<u8>)> {
    let mut inputs = Vec::new();
    for kind in ["seeds", "regressions"] {
        let Ok(entries) = std::fs::read_dir(Path::new("fuzz").join(kind).join(target)) else { continue };
        for entry in entries {
            let path = entry.expect("the folder can be read").path();
            inputs.push((path.display().to_string(), std::fs::read(&path).expect("the file can be read")));
        }
    }
    inputs.sort();
    inputs
}

/// Tells which input it was when a target panics.
struct Told<'a>(&'a str, String);

impl Drop for Told<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the target {} failed on {}", self.0, self.1);
        }
    }
}

/// Changed inputs for each target; those that do much work get fewer. `FERROLITE_SEEDS` says how many instead.
fn changes(target: &str) -> u64 {
    if let Ok(count) = std::env::var("FERROLITE_SEEDS") {
        return count.parse().expect("it is a number");
    }
    let native = match target {
        "file" => 2500,
        "encrypted_file" => 800,
        "key_slots" => 5000,
        "operations" => 700,
        "message" => 2500,
        "log" => 5000,
        "superblock" => 5000,
        _ => 30_000,
    };
    if cfg!(target_os = "wasi") { native / 6 } else { native }
}

fn run(target: &str) {
    let function = TARGETS.iter().find(|(name, _)| *name == target).expect("it is a target").1;
    let inputs = inputs(target);
    assert!(!inputs.is_empty(), "the target {target} has no seeds");
    for (name, data) in &inputs {
        let _told = Told(target, name.clone());
        function(data);
    }
    for seed in 0..changes(target) {
        let (name, data) = &inputs[seed as usize % inputs.len()];
        let other = &inputs[(seed as usize / inputs.len()) % inputs.len()].1;
        let changed = change(data, other, seed);
        let _told = Told(target, format!("{name}, changed by {seed}: {changed:02x?}"));
        function(&changed);
    }
}

macro_rules! targets {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            run(stringify!($name));
        })*

        #[test]
        fn every_target_has_a_test() {
            let tested = [$(stringify!($name)),*];
            assert_eq!(TARGETS.iter().map(|(name, _)| *name).collect::<Vec<_>>(), tested);
        }
    };
}

targets! {
    superblock page owner key_slots block filter table_meta manifest log batch catalog key ordering index_entry path condition
    journal message file encrypted_file operations
}
