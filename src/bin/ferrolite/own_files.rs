//! The files that a run works on: the database, its locks, and the files of keys and passphrases. No verb writes to them
//! as a target, whatever name or link leads to them.

use crate::failure::Failure;
use crate::paths::directory_of;
use rustix::fs::{FileType, Stat, fstat, stat};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The ending of the lock files that Node keeps beside an open database.
pub const LOCK: &str = ".lock";

/// The files of a run.
#[derive(Debug, Default)]
pub struct OwnFiles {
    database: PathBuf,
    secrets: Vec<PathBuf>,
}

impl OwnFiles {
    /// Lists the files of a run.
    pub fn new(database: PathBuf, secrets: impl IntoIterator<Item = PathBuf>) -> Self {
        Self { database, secrets: secrets.into_iter().collect() }
    }

    /// Refuses a target that is one of the files.
    pub fn check_target(&self, target: &Path) -> Result<(), Failure> {
        let refuse = |what: &str| {
            let reason = format!("{}: this is {what}; name another file", target.display());
            Err(Failure::refused(reason))
        };
        // A terminal may be both the source of a passphrase and a target.
        if fs::metadata(target).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
            return Ok(());
        }
        if is_same(target, &self.database) {
            return refuse("the database itself");
        }
        if self.secrets.iter().any(|secret| is_same(target, secret)) {
            return refuse("the file of a key or passphrase");
        }
        if self.is_lock(target) {
            return refuse("a lock of the database");
        }
        Ok(())
    }

    /// Refuses a source that is the database: it would grow while it is read.
    pub fn check_source(&self, source: &Path) -> Result<(), Failure> {
        match is_same(source, &self.database) {
            true => Err(Failure::refused(format!("{}: this is the database itself; copy it first", source.display()))),
            false => Ok(()),
        }
    }

    /// Refuses standard input that is the database.
    pub fn check_standard_input(&self) -> Result<(), Failure> {
        match self.is_database(fstat(io::stdin()).ok()) {
            true => Err(Failure::refused("standard input is the database itself; copy it first")),
            false => Ok(()),
        }
    }

    /// Refuses a standard output or standard error that the shell has redirected to one of the files.
    pub fn check_output(&self) -> Result<(), Failure> {
        let is_file = |found: &Stat| FileType::from_raw_mode(found.st_mode) == FileType::RegularFile;
        let streams = [("standard output", fstat(io::stdout())), ("standard error", fstat(io::stderr()))];
        for (name, found) in streams {
            let found = found.ok().filter(is_file);
            let own = std::iter::once(&self.database).chain(&self.secrets);
            if own.into_iter().any(|own| is_one(&found, &stat(own).ok())) {
                let reason = format!("{name} is redirected to the database or to the file of a key; name another file");
                return Err(Failure::refused(reason));
            }
        }
        Ok(())
    }

    fn is_database(&self, found: Option<Stat>) -> bool {
        is_one(&found, &stat(&self.database).ok())
    }

    /// True for the names that Node's locks have, even if there are no such files yet.
    fn is_lock(&self, target: &Path) -> bool {
        let real = fs::canonicalize(&self.database).ok();
        std::iter::once(self.database.as_path()).chain(real.as_deref()).any(|database| {
            let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
            let (Some(target_name), Some(name)) = (name(target), name(database)) else { return false };
            let rest = target_name.strip_prefix(&name).and_then(|rest| rest.strip_prefix(LOCK));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-']))
                && is_same(directory_of(target), directory_of(database))
        })
    }
}

/// True if a name such as `/dev/stdout` leads to standard output.
pub fn is_standard_output(path: &Path) -> bool {
    is_one(&fstat(io::stdout()).ok(), &stat(path).ok())
}

/// True if two names lead to one file.
fn is_same(one: &Path, other: &Path) -> bool {
    let (found, other_found) = (stat(one).ok(), stat(other).ok());
    if is_one(&found, &other_found) {
        return true;
    }
    // Some hosts of WASI do not number files.
    let canonical = fs::canonicalize(one).ok();
    one == other || canonical.is_some() && canonical == fs::canonicalize(other).ok()
}

/// True if two descriptions are of one file. A number of 0 says nothing.
fn is_one(one: &Option<Stat>, other: &Option<Stat>) -> bool {
    let (Some(one), Some(other)) = (one, other) else { return false };
    one.st_ino != 0 && one.st_ino == other.st_ino && one.st_dev == other.st_dev
}
