//! Opening the database file as a verb needs it, and closing it.

use crate::command::Access;
use crate::command::Db;
use crate::command::Request;
use crate::failure::{Failure, tell};
use crate::paths::NO_DIRECTORY;
use crate::paths::directory_of;
use crate::secrets::{self, Sealing};
use crate::target::{Replacement, STREAM};

use ferrolite::fs::Std;
use ferrolite::import::{ImportReport, import_ferrumdb};
use ferrolite::wording::host_text;
use ferrolite::{ChangeHistory, Database, Durability, Encryption, Error, ErrorCode, Options, SalvageReport};
use std::fs::File;
use std::future::Future;
use std::io::{self, BufReader, Read};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

/// The variable that sets the durability if the command line does not.
const DURABILITY_VARIABLE: &str = "FERROLITE_DURABILITY";

/// Time between two looks at a file that another program has open.
const LOCK_LOOK: Duration = Duration::from_millis(20);

/// A database file, and how to write to it.
pub struct Session {
    path: PathBuf,
    directory: Std,
    name: String,
    durability: Durability,
    /// The time to wait for another program that has the file open.
    lock_timeout: Duration,
    change_history: Option<ChangeHistory>,
    sealing: Sealing,
}

impl Session {
    /// Creates a session of the database at `path`. Without a `durability`, the environment decides.
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
        Ok(Self { path, directory, name, durability, lock_timeout: Duration::ZERO, change_history: None, sealing })
    }

    /// Makes commits store their changes.
    pub fn with_history(self, change_history: Option<ChangeHistory>) -> Self {
        Self { change_history, ..self }
    }

    /// Waits at most `lock_timeout` for another program that has the file open.
    pub fn waiting_for_lock(self, lock_timeout: Duration) -> Self {
        Self { lock_timeout, ..self }
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
            // In a conversation the cost of the clock does not matter, and `info` can report more.
            latencies: request.verb.name == "repl",
            change_history: self.change_history,
            encryption,
            ..Options::default()
        };
        let opened = self.unlocked(|encryption| Database::open(&self.directory, &self.name, options(encryption)))?;
        let mut db = opened.map_err(|error| self.not_opened(error, access))?;
        for damage in db.damage() {
            tell(format_args!("ferrolite: {}: {damage}", self.path.display()));
        }
        let result = work(&mut db);
        // Closing makes delayed commits durable. An earlier failure is the one to report.
        let closed = db.close().map_err(|error| self.name_file(error));
        let result = result?;
        closed?;
        Ok(result)
    }

    /// The database that a verb makes: in a file beside its target, named in messages as the target.
    fn of_new(&self, new: &Replacement) -> Self {
        let name = new.partial().file_name().unwrap_or_default().to_string_lossy().into_owned();
        let directory = Std::new(directory_of(new.partial()));
        let path = new.path().to_owned();
        let (durability, sealing) = (self.durability, Sealing::default());
        Self { path, directory, name, durability, lock_timeout: Duration::ZERO, change_history: None, sealing }
    }

    /// Salvages the database into a new one.
    pub fn salvage(&self, mut new: Replacement) -> Result<SalvageReport, Failure> {
        let out = self.of_new(&new);
        let salvaged = self.unlocked(|encryption| {
            let options = Options { encryption, ..Options::default() };
            ferrolite::salvage(&self.directory, &self.name, &out.directory, &out.name, options)
        })?;
        let report = salvaged.map_err(|error| match error.code() {
            // The cause is the other file, or its directory.
            ErrorCode::InvalidOptions => out.name_file(error),
            ErrorCode::NotFound if self.path.is_file() => {
                out.name_file(error).saying(NO_DIRECTORY).at(out.path.display())
            }
            _ => self.not_opened(error, Access::Read),
        })?;
        new.adopt();
        new.install_closed()?;
        Ok(report)
    }

    /// Makes a new database of the bytes of this file, or of standard input, and returns their count.
    pub fn import(&self, mut replacement: Replacement) -> Result<u64, Failure> {
        let new = self.of_new(&replacement);
        let import = |source: Box<dyn Read>, encryption| {
            let options = Options { encryption, read_only: true, ..Options::default() };
            ferrolite::import_from(source, &new.directory, &new.name, options)
        };
        let imported = if self.path.as_os_str() == STREAM {
            // It comes once, so a passphrase cannot be asked for afterwards.
            pollster::block_on(import(Box::new(io::stdin().lock()), self.sealing.read()?))
        } else {
            File::open(&self.path).map_err(|error| Failure::reading(self.path.display(), &error))?;
            self.unlocked(|encryption| async {
                let source = File::open(&self.path)
                    .map_err(|error| Error::Io { operation: "import".to_owned(), message: host_text(&error) })?;
                import(Box::new(source), encryption).await
            })?
        };
        let db = imported.map_err(|error| match error.code() {
            ErrorCode::NotFound => new.name_file(error).saying(NO_DIRECTORY).at(new.path.display()),
            code if is_of_new_file(code) => new.name_file(error),
            _ if self.path.as_os_str() == STREAM => Failure::from(error).at("standard input"),
            _ => Failure::from(error).at(self.path.display()),
        })?;
        replacement.adopt();
        let bytes = db.stats().engine.file_bytes;
        db.close().map_err(|error| new.name_file(error))?;
        replacement.install_closed()?;
        Ok(bytes)
    }

    /// Writes the documents of this file, which is one of FerrumDB, into a new database. The file is only read.
    pub fn import_ferrumdb(
        &self,
        mut replacement: Replacement,
        key: Option<&[u8; 32]>,
    ) -> Result<ImportReport, Failure> {
        let new = self.of_new(&replacement);
        let encryption = self.sealing.read()?;
        let source = File::open(&self.path).map_err(|error| Failure::reading(self.path.display(), &error))?;
        // An empty file becomes a database.
        drop(replacement.create()?);
        let options = Options { durability: self.durability, encryption, ..Options::default() };
        let opened = pollster::block_on(Database::open(&new.directory, &new.name, options));
        let mut db = opened.map_err(|error| new.name_file(error))?;
        let source = BufReader::with_capacity(64 << 10, source);
        let report = import_ferrumdb(source, key, &mut db).map_err(|error| self.not_imported(error, &new))?;
        db.close().map_err(|error| new.name_file(error))?;
        replacement.install_closed()?;
        Ok(report)
    }

    /// Names the file that an import has failed by.
    fn not_imported(&self, error: Error, new: &Self) -> Failure {
        let message = match &error {
            Error::WrongKey => "the --source-key-file does not open it".to_owned(),
            Error::NotADatabase { message } => message.clone(),
            Error::Corrupt { what, at } => format!("{what} is damaged, at {at}; nothing was imported"),
            Error::Io { operation, message } if operation.starts_with("reading the FerrumDB") => message.clone(),
            _ => return new.name_file(error),
        };
        self.name_file(error).saying(&message).at_path(&self.name, &self.path)
    }

    /// Does what needs the database's key, which is asked for when it is found to be needed and was not given.
    fn unlocked<T, W: Future<Output = ferrolite::Result<T>>>(
        &self,
        work: impl Fn(Option<Encryption>) -> W,
    ) -> Result<ferrolite::Result<T>, Failure> {
        let start = Instant::now();
        let outcome = loop {
            match pollster::block_on(work(self.sealing.read()?)) {
                Err(Error::Locked { .. }) if start.elapsed() < self.lock_timeout => thread::sleep(LOCK_LOOK),
                outcome => break outcome,
            }
        };
        match outcome {
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

/// True if an import failed because of the new file, and not of what it was made of.
pub fn is_of_new_file(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::InvalidOptions
            | ErrorCode::NotFound
            | ErrorCode::Locked
            | ErrorCode::ReadOnly
            | ErrorCode::StorageFull
            | ErrorCode::Io
    )
}
