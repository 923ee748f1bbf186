//! Building the worker for the host that the environment asks for, and running it there.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Where a flush costs nothing, where there is such a place: who is killed takes no part of the host's memory with it, so
/// for these tests memory is as good as a disk.
const MEMORY: &str = "/dev/shm";

/// A directory that is removed in the end.
pub struct Directory(pub PathBuf);

impl Directory {
    pub fn new(name: &str) -> Self {
        let name = format!("ferrolite-{name}-{}", std::process::id());
        let path = Path::new(MEMORY).join(&name);
        if std::fs::create_dir(&path).is_ok() {
            return Self(path);
        }
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Whether the worker runs under wasmtime.
pub fn is_wasi() -> bool {
    std::env::var_os("FERROLITE_WASM").is_some()
}

/// The host's name in reports.
pub fn name() -> &'static str {
    if is_wasi() { "WASI" } else { "native" }
}

/// The words that start the worker, with `directory` granted to it.
pub fn worker(directory: &Path) -> Vec<String> {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let program = PROGRAM.get_or_init(build).display().to_string();
    if !is_wasi() {
        return vec![program];
    }
    let directory = directory.display().to_string();
    let words = ["wasmtime", "run", "--allow-precompiled", "--dir", &directory, &program];
    words.map(str::to_owned).to_vec()
}

/// Builds the worker as this program was built; cargo does nothing when it is there. For wasmtime it is translated once
/// for all runs.
fn build() -> PathBuf {
    // This program is in target/PROFILE/deps, where "debug" is the directory of the profile "test".
    let program = std::env::current_exe().unwrap();
    let directory = program.parent().and_then(Path::parent).unwrap();
    let name = directory.file_name().unwrap().to_str().unwrap();
    let profile = if name == "debug" { "test" } else { name };
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--profile", profile, "--example", "worker"]);
    if is_wasi() {
        cargo.args(["--target", "wasm32-wasip1"]);
    }
    let built = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status().unwrap();
    assert!(built.success(), "the worker was not built");
    if !is_wasi() {
        return directory.join("examples/worker");
    }
    let wasm = directory.with_file_name("wasm32-wasip1").join(name).join("examples/worker.wasm");
    let translated = wasm.with_extension("cwasm");
    let status = Command::new("wasmtime").arg("compile").arg(&wasm).arg("-o").arg(&translated).status();
    assert!(status.expect("wasmtime is on PATH").success(), "the worker was not translated");
    translated
}
