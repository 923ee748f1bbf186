//! Documents that are bytes: whole, or written and read in pieces.
//!
//! What is written in pieces is committed as it comes, under an id that no document names yet; the catalog says that it is
//! under way. The last commit makes it the document, and takes that back. What a crash has cut short, and what was given up,
//! maintenance removes.

use super::set_options::SetOptions;
use super::write::{NewDocument, NewValue};
use crate::documents::catalog::entries::upload_key;
use crate::documents::database::Database;
use crate::documents::database::collection::Collection;
use crate::documents::database::latencies::Metric;
use crate::documents::database::snapshots::Snapshot;
use crate::documents::error::{Error, Result, abbreviate};
use crate::documents::json::text::check_length;
use crate::documents::keyspace::key::{CollectionId, check_key};
use crate::documents::stored::content::not_bytes;
use crate::documents::stored::content::{Content, INLINE_MAX};
use crate::documents::stored::parts::{Chunks, PART_LENGTH, keys_within, part_key};
use crate::documents::transaction::writes::Expiry;
use crate::engine::{Batch, Entry};
use crate::fs::File;
use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

/// Bytes of parts that are committed at once while a blob is written, and that are read at once.
const PIECE_LENGTH: usize = 17 * PART_LENGTH as usize;
/// Parts that maintenance removes with one commit.
const REMOVED_PARTS: usize = 1000;
/// Such commits before a database is closed, at most: about 480 MB.
const REMOVALS_BEFORE_CLOSING: u32 = 8;

/// Bytes that are being written. Made by [`Database::begin_blob`]; ended by [`Database::finish_blob`] or
/// [`Database::abort_blob`].
#[derive(Debug)]
#[must_use = "nothing is stored until it is finished"]
pub struct BlobWriter {
    collection: String,
    key: String,
    expires_at: Option<u64>,
    /// What is committed, and where.
    committed: Option<(CollectionId, Chunks)>,
    /// Bytes that are not committed yet.
    rest: Vec<u8>,
    is_broken: bool,
}

/// Bytes that are being read, of one version. Made by [`Database::open_blob`]; ended by [`Database::close_blob`].
#[derive(Debug)]
#[must_use = "a blob that is not closed keeps old versions in the file"]
pub struct BlobReader {
    snapshot: Snapshot,
    collection: String,
    key: String,
    length: u64,
    from: Pieces,
}

#[derive(Debug)]
enum Pieces {
    Whole(VecDeque<Vec<u8>>),
    /// Parts from this position on.
    Parts(Chunks, u64),
}

impl BlobWriter {
    fn new(collection: &str, key: &str, expires_at: Option<u64>) -> Self {
        let (collection, key) = (collection.to_owned(), key.to_owned());
        Self { collection, key, expires_at, committed: None, rest: Vec::new(), is_broken: false }
    }
}

impl BlobReader {
    /// Bytes of the whole blob.
    pub fn length(&self) -> u64 {
        self.length
    }
}

impl<F: File, D: Deref<Target = Database<F>>> Collection<D> {
    /// The bytes of the document at `key`, or `None`.
    ///
    /// # Errors
    /// `InvalidValue` when it is JSON; `TooLarge` when there are more than 64 MiB: read them by [`Collection::open_blob`]; as
    /// [`Collection::get`].
    pub fn get_bytes(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let Some(document) = self.get_document(key)? else { return Ok(None) };
        document.into_bytes().map(Some)
    }
}

impl<F: File, D: DerefMut<Target = Database<F>>> Collection<D> {
    /// Stores bytes at `key`, and returns the document's version. Verbs for JSON fail on them with `InvalidValue`, and no
    /// index has them.
    ///
    /// # Errors
    /// `TooLarge` when there are more than 64 MiB: write them by [`Collection::begin_blob`]; as [`Collection::set`].
    pub fn set_bytes(&mut self, key: &str, bytes: &[u8]) -> Result<u64> {
        self.set_bytes_with(key, bytes, SetOptions::default())
    }

    /// Stores bytes at `key` under conditions, and for a time, as [`Collection::set_json_with`].
    ///
    /// # Errors
    /// As [`Collection::set_bytes`] and [`Collection::set_json_with`].
    pub fn set_bytes_with(&mut self, key: &str, bytes: &[u8], options: SetOptions) -> Result<u64> {
        self.measured_mut(Metric::Set, |documents| {
            check_key(key)?;
            check_length(bytes.len())?;
            let expiry = documents.expiry_under(key, options)?;
            documents.put(key, NewValue::Bytes(bytes), expiry)
        })
    }

    /// Begins to write bytes to `key`, in pieces and as many as there is room for. What is at the key stays until they are
    /// finished. A time to live counts from now.
    ///
    /// ```
    /// # use ferrolite::{Database, Options, fs::Memory};
    /// # pollster::block_on(async {
    /// # let mut db = Database::open(&Memory::new(), "db", Options::default()).await?;
    /// let mut blob = db.begin_blob("film", None)?;
    /// for piece in [b"never held ", b"as a whole "] {
    ///     db.write_blob(&mut blob, piece)?;
    /// }
    /// db.finish_blob(blob)?;
    /// let mut film = db.open_blob("film")?.expect("it is there");
    /// assert_eq!(film.length(), 22);
    /// while let Some(piece) = db.read_blob(&mut film)? {
    ///     println!("{} bytes", piece.len());
    /// }
    /// db.close_blob(film);
    /// # Ok::<(), ferrolite::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// `InvalidKey`, `InvalidOptions`, `ReadOnly`.
    pub fn begin_blob(&mut self, key: &str, ttl: Option<Duration>) -> Result<BlobWriter> {
        self.measured_mut(Metric::SetStream, |documents| {
            check_key(key)?;
            documents.database.writable()?;
            let expires_at = ttl.map_or(Expiry::Never, Expiry::After).resolve(documents.database.engine.now_ms())?;
            Ok(BlobWriter::new(&documents.name, key, expires_at))
        })
    }

    /// Begins to read the bytes at `key`, in pieces; `None` when there is no document. What is read is of one version: it
    /// is kept, as by a snapshot, until [`Database::close_blob`].
    ///
    /// # Errors
    /// `InvalidValue` when it is JSON; as [`Collection::get`] and [`Database::snapshot`].
    pub fn open_blob(&mut self, key: &str) -> Result<Option<BlobReader>> {
        self.measured_mut(Metric::GetStream, |documents| documents.blob_at(key))
    }

    fn blob_at(&mut self, key: &str) -> Result<Option<BlobReader>> {
        check_key(key)?;
        let Some(entry) = self.database.entry(self.id, key, self.database.view())? else { return Ok(None) };
        let (length, from) = match Content::of(key, &entry.value)? {
            Content::Bytes(bytes) => (bytes.len() as u64, Pieces::Whole(VecDeque::from([bytes.to_vec()]))),
            Content::BytesInParts(chunks) => (chunks.length, Pieces::Parts(chunks, 0)),
            _ => return Err(not_bytes(key)),
        };
        // No commit comes between: the entry is that of the snapshot.
        let snapshot = self.database.snapshot()?;
        let (collection, key) = (self.name.clone(), key.to_owned());
        Ok(Some(BlobReader { snapshot, collection, key, length, from }))
    }

    /// Writes the bytes at `key` again, with another expiry. What is long is copied in several commits.
    pub(crate) fn copy_bytes(&mut self, key: &str, old: &Entry, expires_at: Option<u64>) -> Result<()> {
        let chunks = match Content::of(key, &old.value)? {
            Content::BytesInParts(chunks) => chunks,
            Content::Bytes(bytes) => {
                let new = NewDocument { value: NewValue::Bytes(bytes), expires_at };
                let mut batch = Batch::new();
                self.database.stage_over(&mut batch, self.id, key, Some(old), Some(new))?;
                return self.database.apply(batch).map(drop);
            }
            _ => return Err(not_bytes(key)),
        };
        let mut copy = BlobWriter::new(&self.name, key, expires_at);
        match self.copy_pieces(key, &chunks, &mut copy) {
            Ok(()) => self.database.finish_blob(copy).map(drop),
            Err(error) => {
                self.database.abort_blob(copy);
                Err(error)
            }
        }
    }

    fn copy_pieces(&mut self, key: &str, chunks: &Chunks, copy: &mut BlobWriter) -> Result<()> {
        let mut position = 0;
        loop {
            let at = self.database.engine.last_seq();
            let Some(piece) = self.database.read_pieces(self.id, key, chunks, &mut position, at)? else {
                return Ok(());
            };
            self.database.write_blob(copy, &piece)?;
        }
    }
}

impl<F: File, D: Deref<Target = Database<F>>> Collection<D> {
    /// True if bytes are stored at `key` that have parts.
    #[cfg(any(test, boundary))]
    pub(crate) fn has_bytes_in_parts(&self, key: &str) -> Result<bool> {
        let stored = self.database.stored(self.id, key)?;
        let content = stored.as_ref().map(|stored| Content::of(key, &stored.value)).transpose()?;
        Ok(matches!(content, Some(Content::BytesInParts(_))))
    }
}

impl<F: File> Database<F> {
    /// Adds bytes to a blob. Holds about a megabyte; what is more is committed.
    ///
    /// # Errors
    /// As [`Database::set`]. Then the blob cannot be finished: abort it.
    pub fn write_blob(&mut self, blob: &mut BlobWriter, bytes: &[u8]) -> Result<()> {
        self.measured_mut(Metric::SetStream, |db| db.add_to_blob(blob, bytes))
    }

    fn add_to_blob(&mut self, blob: &mut BlobWriter, bytes: &[u8]) -> Result<()> {
        let mut bytes = bytes;
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(PIECE_LENGTH - blob.rest.len()));
            blob.rest.extend_from_slice(now);
            bytes = later;
            if blob.rest.len() == PIECE_LENGTH {
                let outcome = self.commit_piece(blob);
                blob.is_broken |= outcome.is_err();
                outcome?;
            }
        }
        Ok(())
    }

    /// Makes the blob the document at its key, and returns the document's version.
    ///
    /// # Errors
    /// As [`Database::set`]; `Conflict` when what was written is gone, because the collection was dropped or it has
    /// expired. What was written is removed then.
    pub fn finish_blob(&mut self, blob: BlobWriter) -> Result<u64> {
        self.measured_mut(Metric::SetStream, |db| {
            let outcome = db.finish(&blob);
            db.abort_blob(blob);
            outcome
        })
    }

    /// Gives a blob up. What was written of it is removed by maintenance.
    pub fn abort_blob(&mut self, blob: BlobWriter) {
        if let Some((collection, chunks)) = blob.committed {
            self.uploads.remove(&(collection, chunks.id));
        }
    }

    /// The next bytes of a blob, about a megabyte; `None` at its end.
    ///
    /// # Errors
    /// `SnapshotTooOld` when the collection was dropped; `Corrupt`, `Io`.
    pub fn read_blob(&self, blob: &mut BlobReader) -> Result<Option<Vec<u8>>> {
        self.measured(Metric::GetStream, || self.next_piece(blob))
    }

    fn next_piece(&self, blob: &mut BlobReader) -> Result<Option<Vec<u8>>> {
        let at = blob.snapshot.view.at;
        match &mut blob.from {
            Pieces::Whole(bytes) => Ok(bytes.pop_front().filter(|bytes| !bytes.is_empty())),
            Pieces::Parts(chunks, position) => {
                let collection = self.collection_at(&blob.collection, at)?;
                let piece = self.read_pieces(collection, &blob.key, chunks, position, at);
                // What is missing is no damage when nothing keeps it any more.
                if matches!(piece, Err(Error::Corrupt { .. })) {
                    self.view_at(&blob.snapshot)?;
                }
                piece
            }
        }
    }

    /// Releases a blob that was read.
    pub fn close_blob(&mut self, blob: BlobReader) {
        self.release(blob.snapshot);
    }

    fn read_pieces(
        &self,
        collection: CollectionId,
        key: &str,
        chunks: &Chunks,
        position: &mut u64,
        at: u64,
    ) -> Result<Option<Vec<u8>>> {
        let parts = (PIECE_LENGTH as u64 / u64::from(chunks.part_length)).max(1);
        let end = chunks.count().min(*position + parts);
        if *position >= end {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        let space = collection.parts();
        chunks.read(&self.engine, at, space, *position..end, key, |part| bytes.extend_from_slice(&part))?;
        *position = end;
        Ok(Some(bytes))
    }

    /// Commits the bytes of a blob that have arrived, separately even inside a group.
    fn commit_piece(&mut self, blob: &mut BlobWriter) -> Result<()> {
        self.settle_group()?;
        let mut batch = Batch::new();
        let collection = self.upload_collection(&mut batch, blob)?;
        let (collection, chunks) = self.stage_piece(&mut batch, collection, blob);
        self.apply(batch)?;
        self.settle_group()?;
        self.uploads.insert((collection, chunks.id));
        blob.committed = Some((collection, chunks));
        blob.rest.clear();
        Ok(())
    }

    /// The collection that a blob goes to.
    fn upload_collection(&self, batch: &mut Batch, blob: &BlobWriter) -> Result<CollectionId> {
        let reason = match blob.committed {
            _ if blob.is_broken => "a piece of it could not be written",
            None => return self.created_by(batch, &blob.collection),
            Some((collection, chunks)) if self.catalog.has_upload(collection, chunks.id) => return Ok(collection),
            Some(_) => "what was written of it is gone, with its collection or with a write that failed",
        };
        Err(Error::Conflict { reason: format!("the bytes for {}: {reason}", abbreviate(&blob.key)) })
    }

    /// Adds to `batch` the parts that have come, and that there are parts; tells of all parts so far.
    fn stage_piece(&self, batch: &mut Batch, collection: CollectionId, blob: &BlobWriter) -> (CollectionId, Chunks) {
        let mut chunks = match blob.committed {
            Some((_, chunks)) => chunks,
            None => {
                let id = self.next_part_id(batch);
                self.prepare_for_parts(batch, collection);
                batch.put(upload_key(collection, id), Vec::new(), None);
                Chunks { id, length: 0, part_length: PART_LENGTH }
            }
        };
        for part in blob.rest.chunks(PART_LENGTH as usize) {
            batch.put(part_key(collection.parts(), chunks.id, chunks.count()), part.to_vec(), blob.expires_at);
            chunks.length += part.len() as u64;
        }
        (collection, chunks)
    }

    fn finish(&mut self, blob: &BlobWriter) -> Result<u64> {
        self.settle_group()?;
        let mut batch = Batch::new();
        let collection = self.upload_collection(&mut batch, blob)?;
        let value = if blob.committed.is_none() && blob.rest.len() <= INLINE_MAX {
            NewValue::Bytes(&blob.rest)
        } else {
            let (_, chunks) = self.stage_piece(&mut batch, collection, blob);
            batch.delete(upload_key(collection, chunks.id));
            NewValue::BytesInParts(chunks)
        };
        self.ensure_unexpired(blob)?;
        self.stage(&mut batch, collection, &blob.key, Some(NewDocument { value, expires_at: blob.expires_at }))?;
        self.apply(batch)
    }

    /// Fails when parts may have been dropped because they have expired, also if the clock was set back since.
    fn ensure_unexpired(&self, blob: &BlobWriter) -> Result<()> {
        let Some((collection, chunks)) = blob.committed.filter(|_| blob.expires_at.is_some()) else { return Ok(()) };
        let now_ms = self.engine.now_ms();
        let first = part_key(collection.parts(), chunks.id, 0);
        // All of them expire at one time, and the first is the oldest.
        if self.engine.get(&first, self.engine.last_seq(), now_ms)?.is_some() {
            return Ok(());
        }
        let reason = format!("the bytes for {} have expired while they were written", abbreviate(&blob.key));
        Err(Error::Conflict { reason })
    }

    /// Blobs that were begun and are not written any more: a program has ended before it finished them.
    pub(crate) fn unfinished_uploads(&self) -> u64 {
        self.catalog.uploads().filter(|upload| !self.uploads.contains(upload)).count() as u64
    }

    /// Removes what killed programs have left of blobs, so that a program that writes once and ends leaves no more than it
    /// has found. A connection that has written nothing leaves the file as it is.
    pub(crate) fn remove_uploads_before_closing(&mut self) {
        if !self.engine.is_writing() {
            return;
        }
        // Nobody finishes these any more.
        self.uploads.clear();
        for _ in 0..REMOVALS_BEFORE_CLOSING {
            // Parts that cannot be removed now are removed later. The engine reports its own failure when it is closed.
            if !matches!(self.remove_stale_uploads(), Ok(true)) {
                break;
            }
        }
    }

    /// Removes some of what nobody writes any more; whether there is more.
    pub(crate) fn remove_stale_uploads(&mut self) -> Result<bool> {
        let Some((collection, id)) = self.catalog.uploads().find(|upload| !self.uploads.contains(upload)) else {
            return Ok(false);
        };
        self.settle_group()?;
        let mut batch = Batch::new();
        let range = keys_within(collection.parts(), id, &(0..u64::MAX));
        let mut cursor = self.engine.scan(range, false, self.engine.last_seq(), 0)?;
        let mut removed = 0;
        while removed < REMOVED_PARTS
            && let Some((key, _)) = cursor.next()?
        {
            batch.delete(key);
            removed += 1;
        }
        if removed < REMOVED_PARTS {
            batch.delete(upload_key(collection, id));
        }
        self.apply(batch)?;
        Ok(true)
    }
}
