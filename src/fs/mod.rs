//! The abstract filesystem that the engine is written against.
//!
//! A [`FileSystem`] opens files asynchronously, because the browser's origin private file system can only do
//! that. An open [`File`] is synchronous, because OPFS access handles, WASI and Node.js all are.
//!
//! | implementation | host |
//! | --- | --- |
//! | [`Memory`] | any; nothing is kept |
//! | [`Std`] | WASI and native |
//! | `AccessHandle` | browsers (OPFS) and JavaScript runtimes, through one JavaScript shape |
//! | [`Simulated`] | tests: seeded faults and crashes |

#[cfg(js)]
mod access_handle;
mod memory;
pub mod simulated;
#[cfg(any(unix, target_os = "wasi"))]
mod standard;
#[cfg(test)]
mod tests;

#[cfg(js)]
pub use access_handle::{AccessHandle, AccessHandleFile, Host};
pub use memory::{Memory, MemoryFile};
pub use simulated::{Simulated, SimulatedFile};
#[cfg(any(unix, target_os = "wasi"))]
pub use standard::{Std, StdFile};

/// How to open a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    /// The file must exist; it is never written.
    ReadOnly,
    /// The file must exist.
    ReadWrite,
    /// The file is created empty when it does not exist.
    Create,
}

/// An error of the host's file system.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No such file, or its directory is missing.
    #[error("{name}: not found")]
    NotFound {
        /// The name that was asked for.
        name: String,
    },
    /// Another connection, process or tab has the file open.
    #[error("{name}: in use by another connection; close it first")]
    Locked {
        /// The name that was asked for.
        name: String,
    },
    /// The host does not allow the file to be written.
    #[error("{name}: the host does not allow writing")]
    ReadOnly {
        /// The name that was asked for, or the operation that was refused.
        name: String,
    },
    /// The disk or the browser's quota is used up.
    #[error("no space left: {message}")]
    StorageFull {
        /// The write, and the host's message.
        message: String,
    },
    /// The name is empty, absolute where that is not allowed, or leaves the directory.
    #[error("{name:?} is not a file name: {reason}")]
    InvalidName {
        /// The name that was asked for.
        name: String,
        /// The reason.
        reason: &'static str,
    },
    /// Anything else the host reports.
    #[error("{operation} failed: {message}")]
    Io {
        /// The operation, as `read_at` or `sync`.
        operation: &'static str,
        /// The host's message.
        message: String,
    },
}

/// The result of a file system call.
pub type Result<T> = std::result::Result<T, Error>;

/// A place where files are. Names are flat or `/`-separated relative paths.
#[expect(async_fn_in_trait, reason = "browser handles are not Send, so the futures cannot promise to be")]
pub trait FileSystem {
    /// An open file of this file system.
    type File: File;

    /// Opens a file, and locks it where the host has locks. The lock lasts until the file is dropped.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Locked`], [`Error::ReadOnly`], [`Error::InvalidName`], [`Error::Io`].
    async fn open(&self, name: &str, mode: OpenMode) -> Result<Self::File>;

    /// Removes a file. Removing one that is not there is [`Error::NotFound`]; one that is open, [`Error::Locked`]
    /// where the host can tell.
    async fn remove(&self, name: &str) -> Result<()>;

    /// The names of all files, in no particular order.
    async fn list(&self) -> Result<Vec<String>>;
}

/// An open file. Offsets and lengths are bytes.
pub trait File {
    /// The file's length.
    fn len(&self) -> Result<u64>;

    /// True if the file has no bytes.
    fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Reads up to `buffer.len()` bytes at `offset`. Fewer come back at the end of the file, and may come back
    /// anywhere; 0 is the end.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize>;

    /// Writes up to `bytes.len()` bytes at `offset`, growing the file when they reach past its end.
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<usize>;

    /// Sets the file's length; bytes added are zero.
    fn truncate(&self, len: u64) -> Result<()>;

    /// Returns once everything written so far is on durable storage.
    fn sync(&self) -> Result<()>;

    /// True if the host guarantees that nobody else writes this file while it is open. Where it does not (WASI
    /// has no locks), the engine looks at the owner record in the file before each commit.
    fn is_exclusive(&self) -> bool;

    /// Returns false if the file's name no longer leads to this open file, or if the file has fewer than `len` bytes:
    /// somebody removed, moved, replaced or cut it. What is written then is lost when the file is closed. A host that
    /// cannot answer returns true.
    fn is_current(&self, len: u64) -> bool;
}

/// Checks that `name` is a relative path inside its file system, spelled in the one way that it can be: a file that had
/// two names could be locked twice.
pub(crate) fn check_name(name: &str) -> Result<()> {
    let reason = if name.is_empty() {
        "it is empty"
    } else if name.contains('\0') {
        "it contains a zero character"
    } else if name.starts_with('/') {
        "it is absolute; names are relative to the directory of the file system"
    } else if name.split('/').any(|part| part == "..") {
        "it leaves the directory by '..'"
    } else if name.split('/').any(|part| part.is_empty() || part == ".") {
        "it has an empty part or a part that is '.'"
    } else {
        return Ok(());
    };
    Err(Error::InvalidName { name: name.to_string(), reason })
}

/// Fills `buffer` from `offset`; the number of bytes read is smaller only at the end of the file.
pub(crate) fn read_full(file: &impl File, buffer: &mut [u8], offset: u64) -> Result<usize> {
    let mut done = 0;
    while done < buffer.len() {
        let rest = buffer.get_mut(done..).unwrap_or_default();
        let count = file.read_at(rest, offset + done as u64)?;
        if count == 0 {
            break;
        }
        done += count.min(rest.len());
    }
    Ok(done)
}

/// Writes all of `bytes` at `offset`. A host that writes short and then nothing has no room left.
pub(crate) fn write_full(file: &impl File, bytes: &[u8], offset: u64) -> Result<()> {
    let mut done = 0;
    while done < bytes.len() {
        let rest = bytes.get(done..).unwrap_or_default();
        let count = file.write_at(rest, offset + done as u64)?;
        if count == 0 || count > rest.len() {
            return Err(Error::StorageFull { message: format!("the host wrote {done} of {} bytes", bytes.len()) });
        }
        done += count;
    }
    Ok(())
}
