//! Opening the database file as a verb needs it, and closing it.

use crate::arguments::Request;
use crate::failure::Failure;
use crate::secrets::{self, Sealing};
use crate::verbs::Access;
use ferrolite::fs::{Std, StdFile};
use ferrolite::{Database, Durability, Encryption, Error, ErrorCode, Options, SalvageReport};
use std::future::Future;
use std::path::PathBuf;

/// A database in a file of the host.
pub type Db = Database<StdFile>;

/// Where durability is read from when the command line does not tell.
const DURABILITY_VARIABLE: &str = "FERROLITE_DURABILITY";

/// What to do about a directory that is not there, or that a host of WASI does not show.
const NO_DIRECTORY: &str = if cfg!(target_os = "wasi") {
    "its directory is not there, or not granted (wasmtime run --dir DIRECTORY)"
} else {
    "its directory is not there; create that first"
};

/// A database file, and how to write to it.
pub struct Session {
    path: PathBuf,
    directory: Std,
    name: String,
    durability: Durability,
    sealing: Sealing,
}

impl Session {
    /// The database at `path`. Without a `durability`, the environment tells it.
    pub fn new(path: PathBuf, durability: Option<Durability>, sealing: Sealing) -> Result<Self, Failure> {
        let directory = Std::new(path.parent().unwrap_or(&path));
        let ends_in_name = path.as_os_str().to_string_lossy().ends_with(|last| !std::path::is_separator(last));
        let Some(name) = path.file_name().and_then(|name| name.to_str()).filter(|_| ends_in_name).map(str::to_owned)
        else {
            return Err(Failure::usage(format!("{path:?} does not name a file, in UTF-8")));
        };
        let durability = match durability {
            Some(durability) => durability,
            None => durability_of_environment()?,
        };
        Ok(Self { path, directory, name, durability, sealing })
    }

    /// Opens the database as `request` needs it, does the work, and closes it.
    pub fn with_database<R>(
        &self,
        request: &Request,
        work: impl FnOnce(&mut Db) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        let wanted = (request.verb.access)(request);
        let access = if request.read_only || request.allow_damage { Access::Read } else { wanted };
        let options = |encryption| Options {
            create: access == Access::Create,
            read_only: access == Access::Read,
            allow_damage: request.allow_damage,
            durability: self.durability,
            encryption,
            ..Options::default()
        };
        let opened = self.unlocked(|encryption| Database::open(&self.directory, &self.name, options(encryption)))?;
        let mut db = opened.map_err(|error| self.not_opened(error, access))?;
        for damage in db.damage() {
            eprintln!("ferrolite: {}: {damage}", self.path.display());
        }
        let result = work(&mut db);
        // Closing makes durable what was put off; a failure before it is the one to tell.
        let closed = db.close().map_err(|error| self.name_file(error));
        let result = result?;
        closed?;
        Ok(result)
    }

    /// Salvages the database into a new one at `out`.
    pub fn salvage(&self, out: &str) -> Result<SalvageReport, Failure> {
        let out = Self::new(PathBuf::from(out), Some(self.durability), Sealing::default())?;
        let salvaged = self.unlocked(|encryption| {
            let options = Options { encryption, ..Options::default() };
            ferrolite::salvage(&self.directory, &self.name, &out.directory, &out.name, options)
        })?;
        salvaged.map_err(|error| match error.code() {
            // What is wrong is the other file, or where it should be.
            ErrorCode::InvalidOptions => Failure::from(error).at_path(&out.name, &out.path),
            ErrorCode::NotFound if self.path.is_file() => {
                Failure::from(error).saying(NO_DIRECTORY).at_path(&out.name, &out.path)
            }
            _ => self.not_opened(error, Access::Read),
        })
    }

    /// Does what needs the database's key, which is asked for when it is found to be needed and was not given.
    fn unlocked<T, W: Future<Output = ferrolite::Result<T>>>(
        &self,
        work: impl Fn(Option<Encryption>) -> W,
    ) -> Result<ferrolite::Result<T>, Failure> {
        match pollster::block_on(work(self.sealing.read()?)) {
            Err(error @ Error::KeyRequired) => {
                let encryption = secrets::ask_to_open(&self.path, self.name_file(error))
                    .map_err(|failure| failure.at_path(&self.name, &self.path))?;
                Ok(pollster::block_on(work(Some(encryption))))
            }
            outcome => Ok(outcome),
        }
    }

    /// Says what to do when there is no such file.
    fn not_opened(&self, error: Error, access: Access) -> Failure {
        let missing = error.code() == ErrorCode::NotFound;
        let failure = Failure::from(error);
        let failure = match access {
            Access::Create if missing => failure.saying(NO_DIRECTORY),
            _ if missing => failure.saying("no such file; `set` and `load` create a database"),
            _ => failure,
        };
        failure.at_path(&self.name, &self.path)
    }

    /// Names the file as the user did.
    fn name_file(&self, error: Error) -> Failure {
        Failure::from(error).at_path(&self.name, &self.path)
    }
}

fn durability_of_environment() -> Result<Durability, Failure> {
    match std::env::var_os(DURABILITY_VARIABLE) {
        None => Ok(Durability::default()),
        Some(text) if text.is_empty() => Ok(Durability::default()),
        Some(text) => text.to_string_lossy().parse().map_err(|error| Failure::from(error).at(DURABILITY_VARIABLE)),
    }
}
