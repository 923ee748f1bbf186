//! Files that verbs write.
//!
//! A verb writes a new file beside its target, flushes it, and then gives it the target's name. A verb that fails or is
//! killed therefore leaves an existing file as it was. Pipes and devices are written directly.

use crate::command::Request;
use crate::failure::Failure;
use crate::output::Output;
use crate::own_files::{LOCK, is_standard_output};
use crate::paths::NO_DIRECTORY;
use crate::paths::directory_of;
use ferrolite::Error;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf, is_separator};

/// The word for standard input and output.
pub const STREAM: &str = "-";
/// The ending of a file that is being written.
const PARTIAL: &str = ".partial";
/// Partial files of one target: killed runs leave them behind.
const PARTIALS_MAX: u32 = 1000;

/// A checked target, before anything is written.
pub enum Target {
    /// Standard output, by `-` or by a name.
    Output,
    /// A pipe, a device or an open descriptor.
    Stream(PathBuf),
    /// A file.
    File(Replacement),
}

/// A target that bytes are written to.
pub enum Sink {
    /// Standard output.
    Output,
    /// A pipe, a device or an open descriptor.
    Stream(File, PathBuf),
    /// A file.
    File(File, Replacement),
}

/// A file that takes the place of another, or of none.
pub struct Replacement {
    path: PathBuf,
    partial: PathBuf,
    /// True if the partial file exists and belongs to this run.
    owned: bool,
    force: bool,
    /// The permissions of the file that is replaced.
    permissions: Option<Permissions>,
    /// The lock of the file that is replaced, if it may be a database.
    _lock: Option<File>,
}

impl Target {
    /// Checks the target `name` of a verb.
    ///
    /// # Errors
    /// `InvalidOptions` if it is one of the verb's own files, a directory, or an existing file without `--force`; `Locked`
    /// if it is a database in use; `NotFound` if its directory is missing.
    pub fn of(request: &Request, name: &str) -> Result<Self, Failure> {
        let path = PathBuf::from(name);
        if name == STREAM || is_standard_output(&path) {
            return Ok(Self::Output);
        }
        request.own_files.check_target(&path)?;
        if is_descriptor(&path) || fs::metadata(&path).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
            return Ok(Self::Stream(path));
        }
        Replacement::of(path, request.force).map(Self::File)
    }

    /// Opens the target for bytes.
    pub fn create(self) -> Result<Sink, Failure> {
        match self {
            Self::Output => Ok(Sink::Output),
            Self::Stream(path) => {
                // The file of a descriptor keeps its earlier content.
                let file = match is_descriptor(&path) {
                    true => OpenOptions::new().append(true).open(&path),
                    false => OpenOptions::new().write(true).open(&path),
                };
                let file = file.map_err(|error| Failure::writing(path.display(), &error))?;
                Ok(Sink::Stream(file, path))
            }
            Self::File(mut replacement) => Ok(Sink::File(replacement.create()?, replacement)),
        }
    }

    /// Returns the target if it is a file, which a database must be.
    pub fn for_database(self, name: &str) -> Result<Replacement, Failure> {
        match self {
            Self::File(replacement) => Ok(replacement),
            Self::Output | Self::Stream(_) => Err(refused(name, "not a file; a new database needs one")),
        }
    }
}

impl Sink {
    /// True if the bytes go to standard output, so that nothing else may be printed there.
    pub fn is_output(&self) -> bool {
        matches!(self, Self::Output)
    }

    /// Writes bytes.
    pub fn write(&mut self, bytes: &[u8], output: &mut Output) -> Result<(), Failure> {
        let (file, path) = match self {
            Self::Output => return output.bytes(bytes),
            Self::Stream(file, path) => (file, &*path),
            Self::File(file, replacement) => (file, &replacement.path),
        };
        file.write_all(bytes).map_err(|error| Failure::writing(path.display(), &error))
    }

    /// Flushes the bytes, and gives the file its name.
    pub fn finish(self, output: &mut Output) -> Result<(), Failure> {
        match self {
            Self::Output => output.flush(),
            Self::Stream(..) => Ok(()),
            Self::File(file, replacement) => {
                file.sync_all().map_err(|error| Failure::writing(replacement.path.display(), &error))?;
                drop(file);
                replacement.install()
            }
        }
    }
}

impl Replacement {
    fn of(path: PathBuf, force: bool) -> Result<Self, Failure> {
        let (mut permissions, mut lock) = (None, None);
        match fs::symlink_metadata(&path) {
            // Also a link to a directory, which a rename would replace.
            Ok(_) if path.is_dir() => return Err(refused(path.display(), "a directory; name a file")),
            Ok(_) if !force => return Err(exists(&path)),
            Ok(found) => {
                permissions = found.is_file().then(|| found.permissions());
                lock = lock_replaced(&path)?;
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(Failure::writing(path.display(), &error)),
        }
        if path.to_string_lossy().ends_with(is_separator) || path.file_name().is_none() {
            return Err(refused(path.display(), "not the name of a file"));
        }
        if !directory_of(&path).is_dir() {
            let error = Error::NotFound { name: path.display().to_string() };
            return Err(Failure::from(error).saying(NO_DIRECTORY).at(path.display()));
        }
        let partial = (0..PARTIALS_MAX).map(|number| partial_of(&path, number));
        // The name is free if nothing, not even a dangling link, has it.
        let partial = partial.into_iter().find(|name| fs::symlink_metadata(name).is_err());
        let partial = partial.ok_or_else(|| refused(path.display(), "too many partial files are beside it"))?;
        Ok(Self { path, partial, owned: false, force, permissions, _lock: lock })
    }

    /// Path of the target.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Path of the file to write, which does not exist yet.
    pub fn partial(&self) -> &Path {
        &self.partial
    }

    /// Creates the partial file.
    pub fn create(&mut self) -> Result<File, Failure> {
        let file = OpenOptions::new().write(true).create_new(true).open(&self.partial);
        let file = file.map_err(|error| Failure::writing(self.partial.display(), &error))?;
        self.adopt();
        Ok(file)
    }

    /// Takes charge of a partial file that the library has created.
    pub fn adopt(&mut self) {
        self.owned = true;
        if let Some(permissions) = self.permissions.take() {
            // A host or a user without this right gets the default.
            fs::set_permissions(&self.partial, permissions).ok();
        }
    }

    /// Flushes the partial file and gives it the target's name.
    pub fn install_closed(self) -> Result<(), Failure> {
        let synced = OpenOptions::new().write(true).open(&self.partial).and_then(|file| file.sync_all());
        synced.map_err(|error| Failure::writing(self.path.display(), &error))?;
        self.install()
    }

    /// Gives the flushed partial file the target's name.
    fn install(mut self) -> Result<(), Failure> {
        let failed = |error| Failure::writing(self.path.display(), &error);
        if self.force {
            fs::rename(&self.partial, &self.path).map_err(failed)?;
            self.owned = false;
        } else {
            // Unlike a rename, a link never replaces a file that somebody else has made in the meantime.
            match fs::hard_link(&self.partial, &self.path) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(exists(&self.path)),
                // Some file systems have no links.
                Err(_) if fs::symlink_metadata(&self.path).is_ok() => return Err(exists(&self.path)),
                Err(_) => {
                    fs::rename(&self.partial, &self.path).map_err(failed)?;
                    self.owned = false;
                }
            }
        }
        // The link's first name goes before the directory is flushed.
        if std::mem::take(&mut self.owned) {
            fs::remove_file(&self.partial).ok();
        }
        sync_directory(&self.path)
    }
}

impl Drop for Replacement {
    /// Removes the partial file of a run that failed.
    fn drop(&mut self) {
        if self.owned {
            fs::remove_file(&self.partial).ok();
        }
    }
}

/// The failure of a verb that refuses its target.
fn refused(name: impl std::fmt::Display, reason: &str) -> Failure {
    Failure::refused(format!("{name}: {reason}"))
}

fn exists(path: &Path) -> Failure {
    refused(path.display(), "exists already; name another file, or replace this one with --force")
}

/// Locks the file that is to be replaced, if the host has locks: a database in use must not lose its name.
fn lock_replaced(path: &Path) -> Result<Option<File>, Failure> {
    let in_use = |reason: &str| {
        let error = Error::Locked { name: path.display().to_string() };
        Failure::from(error).saying(reason).at(path.display())
    };
    let mut lock = path.as_os_str().to_owned();
    lock.push(LOCK);
    if fs::symlink_metadata(&lock).is_ok() {
        let lock = Path::new(&lock).display();
        return Err(in_use(&format!("a database in use, says {lock}; close it first")));
    }
    // A file that cannot be opened cannot be locked, and need not be: renaming is a right on its directory.
    let Ok(file) = File::open(path) else { return Ok(None) };
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(in_use("in use by another program; close it first")),
        Ok(()) | Err(TryLockError::Error(_)) => Ok(Some(file)),
    }
}

/// The names of open descriptors, which may lead to files.
fn is_descriptor(path: &Path) -> bool {
    let directory = path.parent().unwrap_or(path);
    path == Path::new("/dev/stderr") || ["/dev/fd", "/proc/self/fd"].iter().any(|name| directory == Path::new(name))
}

fn partial_of(path: &Path, number: u32) -> PathBuf {
    /// File names have up to 255 bytes on most hosts.
    const STEM_BYTES_MAX: usize = 200;
    let name = path.file_name().unwrap_or_default();
    let mut partial = match name.to_str() {
        Some(text) => OsString::from(text.get(..text.floor_char_boundary(STEM_BYTES_MAX)).unwrap_or(text)),
        None => name.to_owned(),
    };
    partial.push(PARTIAL);
    if number > 0 {
        partial.push(number.to_string());
    }
    path.with_file_name(partial)
}

/// Makes the new name durable. Hosts without this call (WASI) decide on that themselves.
fn sync_directory(path: &Path) -> Result<(), Failure> {
    match File::open(directory_of(path)).and_then(|directory| directory.sync_all()) {
        Err(error) if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => {
            Err(Failure::writing(path.display(), &error))
        }
        _ => Ok(()),
    }
}
