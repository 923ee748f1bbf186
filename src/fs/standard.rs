//! The host's own files, for WASI and native programs alike.
//!
//! Reads and writes carry their offset in the call (`pread`, `pwrite`), so there is no file position to share. Natively
//! a file is locked by `flock` while it is open: exclusively by a writer, shared by readers. WASI has no locks, and a
//! program on WASI may share a file with a native one; so [`File::is_exclusive`] is false on both, and a second
//! writer is found by the owner record in the file.

use crate::wording::host_text;
use std::fs::{self, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use rustix::fs::{fstat, stat};
use rustix::io::{Errno, pread, pwrite, retry_on_intr};

use super::{Error, File, FileSystem, OpenMode, Result, check_name};

/// The most that one system call is asked to move, in bytes: macOS refuses more than 2 GiB.
const TRANSFER_MAX: usize = 1 << 30;

/// The files of one directory.
#[derive(Debug, Clone)]
pub struct Std {
    directory: PathBuf,
}

/// An open file of [`Std`]; dropping it closes the file and releases its lock.
#[derive(Debug)]
pub struct StdFile {
    name: String,
    /// Absolute where the host has a current directory, because the program may change that.
    path: PathBuf,
    mode: OpenMode,
    file: fs::File,
    /// True if the file system reports the same identity of a file by its path and by its open file.
    has_identity: bool,
}

impl Std {
    /// The files of `directory`, which must be there when files are opened. The empty path is the current directory, so
    /// that a path's [`parent`](Path::parent) can be given as it is.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        let directory = directory.into();
        let directory = if directory.as_os_str().is_empty() { PathBuf::from(".") } else { directory };
        Self { directory }
    }

    /// The directory that names are relative to.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    fn path(&self, name: &str) -> Result<PathBuf> {
        check_name(name)?;
        Ok(self.directory.join(name))
    }
}

impl FileSystem for Std {
    type File = StdFile;

    async fn open(&self, name: &str, mode: OpenMode) -> Result<StdFile> {
        let path = self.path(name)?;
        let failed = |error: io::Error| match Errno::from_io_error(&error) {
            // A reader asks for no right to write.
            Some(Errno::ACCESS | Errno::PERM) if mode == OpenMode::ReadOnly => unreadable(name),
            _ => from_io(name, "open", &error),
        };
        // Before it is opened, because opening a named pipe waits for its other end.
        let exists = match fs::metadata(&path) {
            Ok(metadata) => check_is_file(name, &metadata).map(|()| true)?,
            Err(error) if error.kind() == ErrorKind::NotFound && mode == OpenMode::Create => false,
            Err(error) => return Err(failed(error)),
        };
        let writes = mode != OpenMode::ReadOnly;
        let file =
            OpenOptions::new().read(true).write(writes).create(mode == OpenMode::Create).open(&path).map_err(failed)?;
        lock(name, &file, writes)?;
        check_not_removed(name, &file)?;
        if !exists {
            sync_directory(name, &path)?;
        }
        let path = std::path::absolute(&path).unwrap_or(path);
        let has_identity = leads_to(&path, &file) == Some(true);
        Ok(StdFile { name: name.to_string(), path, mode, file, has_identity })
    }

    async fn remove(&self, name: &str) -> Result<()> {
        let path = self.path(name)?;
        let failed = |error| from_io(name, "remove", &error);
        check_is_file(name, &fs::metadata(&path).map_err(failed)?)?;
        // Held until the name is gone, so that nobody can begin to use the file in between.
        let file = fs::File::open(&path).map_err(failed)?;
        lock(name, &file, true)?;
        fs::remove_file(&path).map_err(failed)?;
        sync_directory(name, &path)
    }

    /// The names of the files in the directory itself, without those of its subdirectories.
    async fn list(&self) -> Result<Vec<String>> {
        let directory = self.directory.to_string_lossy();
        let failed = |error| from_io(&directory, "list", &error);
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.directory).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            // Asked of the path, to follow links as `open` does. What is gone since is no file either.
            let is_file = fs::metadata(entry.path()).is_ok_and(|metadata| metadata.is_file());
            // A name that is not UTF-8 is none that `open` could be asked for.
            if let (true, Ok(name)) = (is_file, entry.file_name().into_string()) {
                names.push(name);
            }
        }
        Ok(names)
    }
}

impl StdFile {
    fn check_writable(&self) -> Result<()> {
        if self.mode == OpenMode::ReadOnly {
            return Err(Error::ReadOnly { name: self.name.clone() });
        }
        Ok(())
    }

    fn failed(&self, operation: &'static str, error: &io::Error) -> Error {
        from_io(&self.name, operation, error)
    }
}

impl File for StdFile {
    fn len(&self) -> Result<u64> {
        let metadata = self.file.metadata().map_err(|error| self.failed("len", &error))?;
        Ok(metadata.len())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        let count = buffer.len().min(TRANSFER_MAX);
        let part = buffer.get_mut(..count).unwrap_or_default();
        retry_on_intr(|| pread(&self.file, &mut *part, offset)).map_err(|error| self.failed("read_at", &error.into()))
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<usize> {
        self.check_writable()?;
        let part = bytes.get(..TRANSFER_MAX).unwrap_or(bytes);
        retry_on_intr(|| pwrite(&self.file, part, offset)).map_err(|error| self.failed("write_at", &error.into()))
    }

    fn truncate(&self, len: u64) -> Result<()> {
        self.check_writable()?;
        self.file.set_len(len).map_err(|error| self.failed("truncate", &error))
    }

    /// The data and the length; the time of the last change may be lost.
    fn sync(&self) -> Result<()> {
        if self.mode == OpenMode::ReadOnly {
            return Ok(());
        }
        self.file.sync_data().map_err(|error| self.failed("sync", &error))
    }

    fn is_exclusive(&self) -> bool {
        false
    }

    fn is_current(&self, len: u64) -> bool {
        let is_shorter = self.file.metadata().is_ok_and(|metadata| metadata.len() < len);
        let is_elsewhere = self.has_identity && leads_to(&self.path, &self.file) == Some(false);
        !is_shorter && !is_elsewhere
    }
}

/// Returns whether `path` leads to this open file; `None` if the host does not answer.
fn leads_to(path: &Path, file: &fs::File) -> Option<bool> {
    let open = fstat(file).ok()?;
    match stat(path) {
        Ok(found) => Some((found.st_dev, found.st_ino) == (open.st_dev, open.st_ino)),
        Err(Errno::NOENT | Errno::NOTDIR) => Some(false),
        Err(_) => None,
    }
}

fn check_is_file(name: &str, metadata: &fs::Metadata) -> Result<()> {
    if metadata.is_file() {
        return Ok(());
    }
    let what = if metadata.is_dir() { "a directory" } else { "a device, a pipe or a socket" };
    Err(Error::Io { operation: "open", message: format!("{name} is {what}, not a file") })
}

/// Locks a file until it is closed, where the host has locks.
fn lock(name: &str, file: &fs::File, exclusive: bool) -> Result<()> {
    loop {
        let result = if exclusive { file.try_lock() } else { file.try_lock_shared() };
        match result {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => return Err(Error::Locked { name: name.to_string() }),
            Err(TryLockError::Error(error)) => match error.kind() {
                ErrorKind::Unsupported => return Ok(()),
                ErrorKind::Interrupted => {}
                _ => return Err(from_io(name, "lock", &error)),
            },
        }
    }
}

/// A file that was removed between being opened and being locked has no name any more, and would be lost when closed.
#[cfg(unix)]
fn check_not_removed(name: &str, file: &fs::File) -> Result<()> {
    use std::os::unix::fs::MetadataExt;
    let metadata = file.metadata().map_err(|error| from_io(name, "open", &error))?;
    if metadata.nlink() == 0 {
        return Err(Error::Locked { name: name.to_string() });
    }
    Ok(())
}

/// Without locks nothing prevents a removal: it may happen at any time.
#[cfg(not(unix))]
fn check_not_removed(_name: &str, _file: &fs::File) -> Result<()> {
    Ok(())
}

/// Makes it durable that `path` is there, or is gone. Hosts that have no such call (WASI), or that do not let this user
/// open the directory, decide on that by themselves.
fn sync_directory(name: &str, path: &Path) -> Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let result = fs::File::open(directory).and_then(|directory| directory.sync_all());
    match result {
        Err(error) if is_full(&error) || Errno::from_io_error(&error) == Some(Errno::IO) => {
            Err(from_io(name, "sync of its directory", &error))
        }
        _ => Ok(()),
    }
}

fn unreadable(name: &str) -> Error {
    Error::Io { operation: "open", message: format!("the host does not allow to read {name}") }
}

fn is_full(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::NOSPC | Errno::DQUOT | Errno::FBIG))
}

fn from_io(name: &str, operation: &'static str, error: &io::Error) -> Error {
    match Errno::from_io_error(error) {
        Some(Errno::NOENT | Errno::NOTDIR) => Error::NotFound { name: name.to_string() },
        Some(Errno::ACCESS | Errno::PERM | Errno::ROFS) => Error::ReadOnly { name: name.to_string() },
        #[cfg(target_os = "wasi")]
        Some(Errno::NOTCAPABLE) => Error::ReadOnly { name: name.to_string() },
        _ if is_full(error) => Error::StorageFull { message: format!("{operation} of {name}: {}", host_text(error)) },
        _ => Error::Io { operation, message: format!("{name}: {}", host_text(error)) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(errno: Errno) -> Error {
        from_io("a", "write_at", &errno.into())
    }

    #[test]
    fn errors_keep_their_meaning() {
        let name = "a".to_string();
        assert_eq!(map(Errno::NOENT), Error::NotFound { name: name.clone() });
        for errno in [Errno::ACCESS, Errno::PERM, Errno::ROFS] {
            assert_eq!(map(errno), Error::ReadOnly { name: name.clone() });
        }
        for errno in [Errno::NOSPC, Errno::DQUOT, Errno::FBIG] {
            assert!(matches!(map(errno), Error::StorageFull { .. }), "{errno:?}");
        }
        assert!(matches!(map(Errno::IO), Error::Io { operation: "write_at", .. }));
    }
}
