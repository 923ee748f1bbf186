//! Making a database of the bytes of one.
//!
//! The bytes before the grid, which make the file a database, are written last: an import that is cut short leaves a file
//! that begins with [`UNFINISHED`], or with zeros, and does not open.

use crate::documents::database::Database;
use crate::documents::error::{Error, Result};
use crate::documents::options::Options;
use crate::environment::Environment;
use crate::fs::{self, File, FileSystem, OpenMode, read_full};
use crate::page::{HEADER_LEN, HeaderWriter};
use crate::wording::host_text;
use std::io::Read;
use std::sync::Arc;

/// The first bytes of a file that is still being imported.
const UNFINISHED: &[u8] = b"unfinished import of a Ferrolite database\n";
/// Bytes that are read from a source at once.
const CHUNK_BYTES: usize = 256 << 10;

/// A database that comes in by pieces. Made by [`Import::begin`]; [`import_from`] does all at once.
///
/// When it is dropped before it is finished, a file stays behind that does not open; the next import under this name
/// replaces it.
pub struct Import<F: File> {
    file: F,
    name: String,
    /// The bytes before the grid.
    header: Vec<u8>,
    /// Bytes that have come.
    len: u64,
}

/// Makes the new database `name` on `to` of the bytes of a database file, as [`Database::export_to`] gives them or as a file
/// has them that nobody writes, and opens it with `options`.
///
/// # Errors
/// `InvalidOptions` when `name` exists; `Io` when `from` cannot be read; what [`Database::open`] says of a file that is no
/// database (`NotADatabase`), that was cut short (`Corrupt`) or that another key opens (`WrongKey`). Then nothing is left of it.
pub async fn import_from<S: FileSystem>(
    mut from: impl Read,
    to: &S,
    name: &str,
    options: Options,
) -> Result<Database<S::File>> {
    let mut import = Import::begin(to, name).await?;
    let mut buffer = vec![0; CHUNK_BYTES];
    let outcome = loop {
        match from.read(&mut buffer) {
            Ok(0) => break Ok(()),
            Ok(count) => {
                if let Err(error) = import.write(buffer.get(..count).unwrap_or_default()) {
                    break Err(error);
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => break Err(Error::Io { operation: "import".to_owned(), message: host_text(&error) }),
        }
    };
    match outcome {
        Ok(()) => import.finish(to, options).await,
        Err(error) => {
            import.give_up(to).await;
            Err(error)
        }
    }
}

impl<F: File> Import<F> {
    /// Creates the file `name`, which does not open until it is finished.
    ///
    /// # Errors
    /// `InvalidOptions` when it exists; `Locked`, `ReadOnly`, `StorageFull`, `Io`.
    pub async fn begin<S: FileSystem<File = F>>(to: &S, name: &str) -> Result<Self> {
        match to.open(name, OpenMode::ReadOnly).await {
            Err(fs::Error::NotFound { .. }) => {}
            Ok(file) if is_unfinished(&file)? => {}
            Err(fs::Error::Locked { .. }) | Ok(_) => return Err(is_taken(name)),
            Err(error) => return Err(error.into()),
        }
        let file = to.open(name, OpenMode::Create).await?;
        // Another may have made it in between.
        if !is_unfinished(&file)? {
            return Err(is_taken(name));
        }
        let import = Self { file, name: name.to_owned(), header: Vec::new(), len: 0 };
        match import.mark() {
            Ok(()) => Ok(import),
            Err(error) => {
                import.give_up(to).await;
                Err(error)
            }
        }
    }

    fn mark(&self) -> Result<()> {
        self.file.truncate(0)?;
        // No hole is left where the header goes: there will be room for it.
        let mut mark = vec![0; HEADER_LEN as usize];
        mark[..UNFINISHED.len()].copy_from_slice(UNFINISHED);
        fs::write_full(&self.file, &mark, 0)?;
        Ok(self.file.sync()?)
    }

    /// Takes the bytes that come next.
    ///
    /// # Errors
    /// `NotADatabase` or `NewerFormat`, as soon as that can be seen; `StorageFull`, `Io`. Then [give it up](Import::give_up).
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let missing = HEADER_LEN as usize - self.header.len();
        let (head, rest) = bytes.split_at(bytes.len().min(missing));
        if !head.is_empty() {
            self.header.extend_from_slice(head);
            if self.header.len() as u64 == HEADER_LEN {
                HeaderWriter::new(&self.header).map_err(crate::engine::Error::from)?;
            }
        }
        fs::write_full(&self.file, rest, self.len + head.len() as u64)?;
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Bytes that have come.
    pub fn done_bytes(&self) -> u64 {
        self.len
    }

    /// Makes a database of what has come, and opens it.
    ///
    /// # Errors
    /// As [`import_from`]; then nothing is left of it.
    pub async fn finish<S: FileSystem<File = F>>(self, to: &S, options: Options) -> Result<Database<F>> {
        self.finish_with(to, options, Arc::new(crate::environment::HostEnvironment)).await
    }

    /// [`Import::finish`] with a clock and randomness of the caller's.
    ///
    /// # Errors
    /// As [`import_from`]; then nothing is left of it.
    pub async fn finish_with<S: FileSystem<File = F>>(
        self,
        to: &S,
        options: Options,
        environment: Arc<dyn Environment>,
    ) -> Result<Database<F>> {
        let settled = self.settle();
        let Self { file, name, .. } = self;
        drop(file);
        let opened = match settled {
            // Damage is not put up with in what is new.
            Ok(()) => {
                let options = Options { create: false, allow_damage: false, ..options };
                Database::open_with(to, &name, options, environment).await
            }
            Err(error) => Err(error),
        };
        if opened.is_err() {
            to.remove(&name).await.ok();
        }
        opened
    }

    fn settle(&self) -> Result<()> {
        let header = HeaderWriter::new(&self.header).map_err(crate::engine::Error::from)?;
        if self.len < HEADER_LEN {
            // The mark took more room than what has come.
            self.file.truncate(self.len)?;
        }
        self.file.sync()?;
        Ok(header.write(&self.file).map_err(crate::engine::Error::from)?)
    }

    /// Removes what was written.
    pub async fn give_up<S: FileSystem<File = F>>(self, to: &S) {
        let Self { file, name, .. } = self;
        drop(file);
        // Should it not go: it does not open.
        to.remove(&name).await.ok();
    }
}

fn is_taken(name: &str) -> Error {
    Error::invalid_options(format!("{name} is there already; an import makes a new database, so name another"))
}

/// True if an import was cut short here, or nothing was ever written. The mark goes last: where a superblock is beside it, all
/// has come. Of the mark itself a crash may leave the file's growth alone.
fn is_unfinished(file: &impl File) -> Result<bool> {
    let mut header = vec![0; HEADER_LEN as usize];
    let count = read_full(file, &mut header, 0)?;
    header.truncate(count);
    let is_blank = header.iter().all(|&byte| byte == 0) && file.len()? <= HEADER_LEN;
    Ok(is_blank || (header.starts_with(UNFINISHED) && HeaderWriter::new(&header).is_err()))
}
