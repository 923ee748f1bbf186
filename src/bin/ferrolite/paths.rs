//! Paths of files and of their directories.

use std::path::Path;

/// The directory of a file, which may be the current one.
pub fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The advice for a directory that does not exist, or that a host of WASI does not grant.
pub const NO_DIRECTORY: &str = if cfg!(target_os = "wasi") {
    "its directory is not there, or not granted (wasmtime run --dir DIRECTORY)"
} else {
    "its directory is not there; create that first"
};
