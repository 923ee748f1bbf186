//! Finds the changes of a commit before it is made.

use crate::documents::catalog::entries::NamedCollection;
use crate::documents::changes::change::{ChangeKind, CommitNotes, Note};
use crate::documents::database::Database;
use crate::documents::error::Result;
use crate::documents::keyspace::key::key_of;
use crate::documents::keyspace::key::{CATALOG, PREFIX_LENGTH, collection_of};
use crate::documents::stored::content::is_live;
use crate::engine::{Batch, Seq};
use crate::fs::File;
use std::sync::Arc;

impl<F: File> Database<F> {
    /// Returns the changes of `batch` as the next commit; `None` if nobody watches and no history is kept.
    pub(crate) fn notes_of(&mut self, batch: &Batch) -> Result<Option<CommitNotes>> {
        let (last, time_ms) = (self.engine.last_seq(), self.engine.now_ms());
        let is_watched = self.feed.is_watched();
        if !self.journal.wants(is_watched, last, time_ms) && !is_watched {
            return Ok(None);
        }
        let is_gone = |at: u64| at <= time_ms;
        let (mut notes, mut created) = (Vec::<Note>::new(), Vec::<NamedCollection>::new());
        for (key, put) in batch.operations() {
            let (value, expires_at) = put.map_or((None, None), |(value, expires_at)| (Some(value), expires_at));
            let Some(prefix) = key.first_chunk::<PREFIX_LENGTH>() else { continue };
            if *prefix == CATALOG {
                notes.extend(value.and_then(|value| self.dropped_by(key, value)));
                created.extend(value.and_then(|value| NamedCollection::read(key, value)));
            }
            let Some(collection) = collection_of(*prefix) else { continue };
            let old = self.engine.get(key, last, 0)?.filter(|old| is_live(old, time_ms));
            let kind = match value {
                // One that was written with an expiry in the past is nowhere to be seen.
                Some(_) if !expires_at.is_some_and(is_gone) => ChangeKind::Set,
                _ if old.is_some() => ChangeKind::Delete,
                _ => continue,
            };
            // A batch creates a collection before it writes to it.
            let new_name = created.iter().find(|created| created.id == collection).map(|created| &*created.name);
            let name = new_name.unwrap_or_else(|| self.catalog.name_of(collection));
            let known = notes.last().map(|note| &note.collection).filter(|known| ***known == *name);
            notes.push(Note {
                kind,
                collection: known.cloned().unwrap_or_else(|| Arc::from(name)),
                key: key_of(key)?.to_owned(),
                old_version: old.map_or(0, |old| old.seq),
                expires_at: expires_at.filter(|_| kind == ChangeKind::Set),
            });
        }
        Ok(Some(CommitNotes { version: self.engine.next_seq(), time_ms, notes }))
    }

    /// Keeps the change history while somebody watches and `span_ms` behind that, where it is not kept anyway; with `at_once`
    /// also for that long from now on. So watches can continue at the next program that opens the database.
    #[cfg(any(test, boundary))]
    pub(crate) fn keep_changes_while_watched(&mut self, span_ms: u64, at_once: bool) {
        self.journal.keep_while_watched(span_ms, at_once, self.engine.now_ms());
    }

    /// The dropping of a collection that an entry of the catalog begins.
    fn dropped_by(&self, key: &[u8], value: &[u8]) -> Option<Note> {
        let collection = NamedCollection::read(key, value).filter(|collection| collection.is_dropping)?;
        let is_new = self.catalog.collection(&collection.name) == Some(collection.id);
        is_new.then(|| Note {
            kind: ChangeKind::Drop,
            collection: Arc::from(collection.name),
            key: String::new(),
            old_version: 0,
            expires_at: None,
        })
    }

    /// A commit was made that changes this.
    pub(crate) fn noted(&mut self, notes: CommitNotes, last_entry: Seq) {
        self.journal.staged(&notes, last_entry);
        if self.feed.is_watched() && !notes.notes.is_empty() {
            self.feed.add(Arc::new(notes));
        }
    }

    /// Forgets commits that were rolled back.
    pub(crate) fn take_notes_back(&mut self) {
        self.feed.take_back(self.engine.last_seq());
        // When even this cannot be read, the engine takes no writes.
        if self.journal.is_kept() {
            self.journal.reload(&self.engine).ok();
        }
    }
}
