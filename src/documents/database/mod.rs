//! Opening and closing a database, and how its commits reach the disk.

pub(super) mod collection;
pub(super) mod histogram;
pub(super) mod history;
pub(super) mod latencies;
pub(super) mod measuring;
#[cfg(any(test, boundary))]
pub(crate) mod receipt;
pub(super) mod scan;
pub(super) mod snapshots;
pub(super) mod view;

use crate::documents::catalog::{Catalog, Catalogued};
use crate::documents::changes::feed::Feed;
use crate::documents::changes::journal::Journal;
use crate::documents::error::{Error, Result};
use crate::documents::keyspace::key::CollectionId;
use crate::documents::options::{Durability, Options};
use crate::documents::stored::parts::PartId;
use crate::engine::{self, Batch, CompactProgress, Engine, Seq};
use crate::environment::{Environment, HostEnvironment};
use crate::fs::{File, FileSystem};
use history::History;
use latencies::{Latencies, Metric};
use snapshots::Snapshots;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// An open database: JSON documents by key, in one file.
///
/// Reads take `&self` and see everything committed before. Writes take `&mut self`; each is one atomic commit, made
/// durable as [`Options::durability`] says. A database is owned by one thread at a time.
///
/// ```
/// use ferrolite::{Database, Options, fs::Memory};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, PartialEq, Serialize, Deserialize)]
/// struct User { name: String, role: String }
///
/// # pollster::block_on(async {
/// let mut db = Database::open(&Memory::new(), "users.ferrolite", Options::default()).await?;
/// let alice = User { name: "alice".into(), role: "admin".into() };
/// db.set("user:1", &alice)?;
/// assert_eq!(db.get::<User>("user:1")?, Some(alice));
/// db.close()?;
/// # Ok::<(), ferrolite::Error>(()) }).unwrap();
/// ```
pub struct Database<F: File> {
    pub(crate) engine: Engine<F>,
    pub(crate) catalog: Catalog,
    read_only: bool,
    damage: Vec<String>,
    durability: Durability,
    last_sync_ms: u64,
    /// True if commits wait to be written.
    pub(crate) pending: bool,
    /// True if commits were written and not flushed.
    unsynced: bool,
    group: Group,
    pub(crate) history: History,
    pub(crate) latencies: Latencies,
    pub(crate) snapshots: Snapshots,
    /// Blobs that are being written; others that the catalog knows of were cut short.
    pub(crate) uploads: BTreeSet<(CollectionId, PartId)>,
    /// The last commit at which a collection of a name was dropped, while the database was open: what a snapshot of before
    /// would have seen of it is gone.
    pub(crate) dropped: BTreeMap<String, Seq>,
    /// True if giving an index its missing entries has failed since the database was opened.
    pub(crate) is_completing_given_up: bool,
    pub(crate) feed: Feed,
    pub(crate) journal: Journal,
    /// The receipt that is to be in the next commit.
    #[cfg(any(test, boundary))]
    pub(crate) companion: Option<receipt::NewReceipt>,
    #[cfg(any(test, boundary))]
    pub(crate) receipts: receipt::Generation,
}

/// Commits that share one write and one flush.
#[derive(Default)]
struct Group {
    /// How many calls of `begin_group` are open.
    depth: usize,
    /// Why commits of this group were lost. Nothing more is written until the group is finished.
    error: Option<Error>,
}

impl<F: File> Database<F> {
    /// Opens the database `name` on `fs`, with the host's clock and randomness.
    ///
    /// # Errors
    /// `NotFound`, `Locked`, `ReadOnly`, `NotADatabase`, `NewerFormat`, `Corrupt`, `InvalidOptions`, `StorageFull`
    /// or `Io`. A file that cannot be opened is left as it was.
    pub async fn open<S: FileSystem<File = F>>(fs: &S, name: &str, options: Options) -> Result<Self> {
        Self::open_with(fs, name, options, Arc::new(HostEnvironment)).await
    }

    /// Opens a database with a clock and randomness of the caller's.
    ///
    /// # Errors
    /// As [`Database::open`].
    pub async fn open_with<S: FileSystem<File = F>>(
        fs: &S,
        name: &str,
        options: Options,
        environment: Arc<dyn Environment>,
    ) -> Result<Self> {
        let engine = Engine::open(fs, name, options.for_engine()?, environment).await?;
        let mut damage: Vec<_> = engine.damage().iter().map(ToString::to_string).collect();
        let catalog = match Catalog::load(&engine) {
            Err(error @ Error::Corrupt { .. }) if options.allow_damage => {
                damage.push(error.to_string());
                Catalog::default()
            }
            catalog => catalog?,
        };
        let journal = match Journal::load(&engine, options.change_history) {
            Err(error @ Error::Corrupt { .. }) if options.allow_damage => {
                damage.push(error.to_string());
                Journal::default()
            }
            journal => journal?,
        };
        let mut database = Self {
            damage,
            last_sync_ms: engine.now_ms(),
            engine,
            catalog,
            read_only: options.read_only,
            durability: options.durability,
            pending: false,
            unsynced: false,
            group: Group::default(),
            history: History::default(),
            latencies: Latencies::new(options.latencies),
            snapshots: Snapshots::new(&options),
            uploads: BTreeSet::new(),
            dropped: BTreeMap::new(),
            is_completing_given_up: false,
            feed: Feed::new(options.watch_buffer),
            journal,
            #[cfg(any(test, boundary))]
            companion: None,
            #[cfg(any(test, boundary))]
            receipts: receipt::Generation::default(),
        };
        database.finish_dropping_or_leave_it();
        Ok(database)
    }

    /// Runs `work`; everything it writes shares one write to the file and one flush.
    ///
    /// Each write is still a commit of its own. Reads inside see the writes before them. After a crash all of the group is
    /// there or nothing, unless something in it is written out by itself, as the building of an index is: then all before
    /// that may be there without what is behind it.
    ///
    /// # Errors
    /// Those of the write and the flush. Then nothing is kept of what `work` wrote, whatever it was told.
    ///
    /// # Panics
    /// If `work` does. Then nothing of the group is kept either, as after an error, and the database can be used again. If
    /// the group was inside another one, that one fails with `Aborted`.
    ///
    /// ```
    /// # use ferrolite::{Database, Options, fs::Memory};
    /// # pollster::block_on(async {
    /// # let mut db = Database::open(&Memory::new(), "db", Options::default()).await?;
    /// let deleted = db.group(|db| {
    ///     db.set("a", &1)?;
    ///     db.set("b", &2)?;
    ///     db.delete("a")
    /// })??;
    /// assert!(deleted);
    /// # Ok::<(), ferrolite::Error>(()) }).unwrap();
    /// ```
    pub fn group<R>(&mut self, work: impl FnOnce(&mut Self) -> R) -> Result<R> {
        let mut guard = GroupGuard { depth: self.group.depth, is_open: true, database: self };
        guard.database.begin_group();
        let result = work(guard.database);
        let finished = guard.database.finish_group();
        guard.is_open = false;
        finished.map(|()| result)
    }

    /// Starts a group, for callers that cannot use [`Database::group`]. Groups inside a group join it.
    pub fn begin_group(&mut self) {
        self.group.depth += 1;
    }

    /// Writes and flushes what was committed since [`Database::begin_group`].
    ///
    /// # Errors
    /// As [`Database::group`].
    pub fn finish_group(&mut self) -> Result<()> {
        self.group.depth = self.group.depth.saturating_sub(1);
        if self.group.depth > 0 {
            return Ok(());
        }
        match self.group.error.take() {
            Some(error) => Err(error),
            None => self.measured_mut(Metric::Group, Self::settle),
        }
    }

    /// Makes everything committed so far durable, whatever the durability.
    ///
    /// # Errors
    /// `StorageFull`, `Io`, or `Failed` when an earlier flush has failed.
    pub fn flush(&mut self) -> Result<()> {
        self.measured_mut(Metric::Flush, |db| {
            db.settle_group()?;
            if db.read_only {
                return Ok(());
            }
            db.engine.sync()?;
            db.synced();
            Ok(())
        })
    }

    /// Flushes what is not durable yet.
    pub(crate) fn make_durable(&mut self) -> Result<()> {
        self.settle_group()?;
        if self.unsynced { self.flush() } else { Ok(()) }
    }

    /// Flushes when the durability is periodic and the time has come. Call it now and then while nothing is
    /// written; [`Database::next_tick`] returns the time.
    ///
    /// # Errors
    /// As [`Database::flush`].
    pub fn tick(&mut self) -> Result<()> {
        match self.next_tick() {
            Some(Duration::ZERO) => self.flush(),
            _ => Ok(()),
        }
    }

    /// How long until [`Database::tick`] has something to flush; `None` while there is nothing.
    pub fn next_tick(&self) -> Option<Duration> {
        match self.durability {
            Durability::Periodic { interval_ms } if self.unsynced => {
                Some(Duration::from_millis(self.due_in_ms(interval_ms)))
            }
            _ => None,
        }
    }

    /// One slice of the work that keeps the file small and reads fast, to be called while nothing else is to be
    /// done. `budget_bytes` bounds the slice. True while there is more.
    ///
    /// # Errors
    /// As a write.
    pub fn maintain(&mut self, budget_bytes: usize) -> Result<bool> {
        self.settle_group()?;
        if self.read_only {
            return Ok(false);
        }
        self.tick()?;
        self.end_old_snapshots();
        self.finish_dropping()?;
        if self.remove_stale_uploads()? || self.complete_indexes()? {
            return Ok(true);
        }
        #[cfg(any(test, boundary))]
        if self.remove_old_receipts()? {
            return Ok(true);
        }
        self.measured_mut(Metric::Maintain, |db| Ok(db.engine.maintain(budget_bytes)?))
    }

    /// Rewrites what deleted and overwritten documents have left behind, and gives the room back to the host.
    ///
    /// # Errors
    /// As a write.
    pub fn compact(&mut self) -> Result<()> {
        self.writable()?;
        self.settle_group()?;
        self.finish_dropping()?;
        while self.remove_stale_uploads()? || self.complete_indexes()? {}
        self.measured_mut(Metric::Compact, |db| Ok(db.engine.compact()?))
    }

    /// One slice of [`Database::compact`], about `budget_bytes` of work, so that other calls can come between.
    /// Begin with a new [`CompactProgress`] and continue until it [is done](CompactProgress::is_done).
    ///
    /// # Errors
    /// As a write.
    pub fn compact_step(&mut self, progress: &mut CompactProgress, budget_bytes: usize) -> Result<()> {
        self.writable()?;
        self.settle_group()?;
        self.finish_dropping()?;
        if self.remove_stale_uploads()? || self.complete_indexes()? {
            return Ok(());
        }
        self.measured_mut(Metric::Compact, |db| Ok(db.engine.compact_step(progress, budget_bytes)?))
    }

    /// Flushes and closes the database. Dropping it instead loses nothing that was durable.
    ///
    /// # Errors
    /// As [`Database::flush`].
    pub fn close(mut self) -> Result<()> {
        self.settle_group()?;
        self.remove_uploads_before_closing();
        if self.engine.has_skipped() && self.journal.goes_on() {
            // Else the history would end before the numbers that were left out. Where it cannot be written it does.
            self.apply(Batch::new()).ok();
        }
        Ok(self.engine.close()?)
    }

    /// The version of the last commit, 0 before the first one. Versions grow; not each number is used.
    pub fn version(&self) -> u64 {
        self.engine.last_seq()
    }

    /// True if the database was opened read-only.
    pub fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// The damage that was found when the database was opened with [`Options::allow_damage`]: each with where it is. Pages
    /// of documents are looked at when they are read; [`Database::check`] looks at all of them.
    pub fn damage(&self) -> &[String] {
        &self.damage
    }

    /// An error when the database was opened read-only.
    pub(crate) fn writable(&self) -> Result<()> {
        if self.read_only { Err(Error::opened_read_only()) } else { Ok(()) }
    }

    /// Commits `batch`; outside of a group, writes it out.
    pub(crate) fn apply(&mut self, mut batch: Batch) -> Result<u64> {
        self.writable()?;
        if let Some(error) = &self.group.error {
            return Err(error.clone());
        }
        self.keep_unique(&mut batch)?;
        #[cfg(any(test, boundary))]
        let generation = self.stage_companion(&mut batch)?;
        let before = self.engine.last_seq();
        let (keys, bytes) = (self.history.keys_of(&batch), batch.size());
        let operations = batch.operations();
        let catalogued: Vec<_> =
            operations.filter_map(|(key, put)| Catalogued::of(key, put.map(|(value, _)| value))).collect();
        let notes = self.notes_of(&batch)?;
        let last_entry = notes.as_ref().map_or(0, |notes| self.journal.stage(&mut batch, notes, before));
        let version = match self.engine.append(batch) {
            Ok(version) => version,
            Err(error) if self.engine.last_seq() == before => return Err(error.into()),
            Err(error) => return Err(self.undone(error)),
        };
        #[cfg(any(test, boundary))]
        if let Some(generation) = generation {
            self.note_generation(generation);
        }
        if let Some(keys) = keys {
            self.history.add(version, keys);
        }
        self.snapshots.note_written(bytes);
        self.end_old_snapshots();
        if let Some(notes) = notes {
            self.noted(notes, last_entry);
        }
        catalogued.into_iter().for_each(|news| self.catalog.remember_committed(news));
        self.pending = true;
        if self.group.depth == 0 {
            self.settle()?;
        }
        Ok(version)
    }

    /// Writes out what a group has committed so far, before work that cannot be part of a group.
    pub(crate) fn settle_group(&mut self) -> Result<()> {
        match &self.group.error {
            Some(error) => Err(error.clone()),
            None if self.group.depth > 0 => self.settle(),
            None => Ok(()),
        }
    }

    /// Writes out what is pending; flushes it when the durability asks for it.
    fn settle(&mut self) -> Result<()> {
        if !self.pending {
            return Ok(());
        }
        let sync = match self.durability {
            Durability::Always => true,
            Durability::Periodic { interval_ms } => self.due_in_ms(interval_ms) == 0,
            Durability::Never => false,
        };
        let durability = if sync { engine::Durability::Always } else { engine::Durability::Never };
        // After a panic the engine has nothing left to finish.
        self.engine.ensure_not_failed().map_err(|error| self.undone(error))?;
        self.engine.finish_group(durability).map_err(|error| self.undone(error))?;
        self.pending = false;
        self.unsynced = true;
        self.feed.acknowledge(self.engine.last_seq());
        if sync {
            self.synced();
        }
        Ok(())
    }

    fn synced(&mut self) {
        self.unsynced = false;
        self.last_sync_ms = self.engine.now_ms();
    }

    /// A clock that stepped back makes a flush due, so that it cannot put one off.
    fn due_in_ms(&self, interval_ms: u64) -> u64 {
        match self.engine.now_ms().checked_sub(self.last_sync_ms) {
            Some(passed_ms) => interval_ms.saturating_sub(passed_ms),
            None => 0,
        }
    }

    /// Forgets the pending commits, which the engine has rolled back.
    #[cold]
    #[inline(never)]
    fn undone(&mut self, error: engine::Error) -> Error {
        let error = Error::from(error);
        self.forget_undone(&error);
        error
    }

    /// Rolls back the commits of the open group that were not written yet.
    pub(crate) fn abandon_group(&mut self, error: &Error) {
        self.engine.abandon_group();
        self.forget_undone(error);
    }

    /// Takes the open group back in a database that is closed to writes, without reading the file.
    fn forget_group(&mut self) {
        self.engine.abandon_group();
        self.pending = false;
        self.history.take_back(self.engine.last_seq());
        self.feed.take_back(self.engine.last_seq());
    }

    fn forget_undone(&mut self, error: &Error) {
        self.pending = false;
        #[cfg(any(test, boundary))]
        self.forget_generation();
        self.history.take_back(self.engine.last_seq());
        self.take_notes_back();
        // When even this cannot be read, the engine takes no writes, and reads check what they find.
        if let Ok(catalog) = Catalog::load(&self.engine) {
            self.catalog = catalog.reloaded_at(self.engine.last_seq());
        }
        if self.group.depth > 0 {
            self.group.error = Some(error.clone());
        }
    }
}

/// The group of [`Database::group`] while its work is done. If the work panics, dropping this gives the group up.
struct GroupGuard<'a, F: File> {
    database: &'a mut Database<F>,
    /// The depth around the group.
    depth: usize,
    is_open: bool,
}

impl<F: File> Drop for GroupGuard<'_, F> {
    fn drop(&mut self) {
        if self.is_open {
            match self.database.engine.ensure_not_failed() {
                Ok(()) => self.database.abandon_group(&Error::Aborted),
                // Perhaps the file is what has panicked: it must not be read now.
                Err(_) => self.database.forget_group(),
            }
            self.database.group.depth = self.depth;
            if self.depth == 0 {
                self.database.group.error = None;
            }
        }
    }
}

impl<F: File> fmt::Debug for Database<F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Database")
            .field("version", &self.version())
            .field("read_only", &self.read_only)
            .field("durability", &self.durability)
            .field("indexes", &self.indexes())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::{Memory, MemoryFile};

    #[test]
    fn a_database_can_move_to_another_thread() {
        fn must_be_send<T: Send>(_: &T) {}
        let db: Database<MemoryFile> =
            pollster::block_on(Database::open(&Memory::new(), "db", Options::default())).unwrap();
        must_be_send(&db);
        assert!(format!("{db:?}").contains("version: 0"));
    }
}
