//! Watchers: what they look at, and how they come by the changes.

use super::expiries::Expiries;
use crate::documents::changes::change::{Change, ChangeKind, CollectionName, CommitNotes, Note};
use crate::documents::database::Database;
use crate::documents::database::collection::Collection;
use crate::documents::database::scan::{PageLimits, Scan};
use crate::documents::database::view::View;
use crate::documents::error::{Error, Result};
use crate::documents::keyspace::key::CollectionId;
use crate::documents::keyspace::key::key_of;
use crate::documents::keyspace::range::Range;
use crate::engine::Seq;
use crate::fs::File;
use std::borrow::Cow;
use std::collections::VecDeque;
use std::ops::DerefMut;
use std::sync::Arc;
use std::time::Duration;

/// How something is watched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WatchOptions {
    /// Begins after this version: later changes are delivered first. Default: only new changes.
    pub since: Option<u64>,
    /// Omits the documents from the changes. Default: false.
    pub without_values: bool,
}

/// Somebody who watches documents. Made by [`Database::watch`], and used with [`Database::changes`] of that database. It
/// watches until it is dropped.
#[derive(Debug)]
pub struct Watcher {
    /// The collection; `None` for all of them.
    collection: Option<CollectionName>,
    range: Range,
    has_values: bool,
    /// All changes up to this commit were delivered.
    behind: Seq,
    /// Changes of the next commit that were delivered.
    told: usize,
    /// Commits that were read from the change history and are not delivered yet.
    read: VecDeque<Arc<CommitNotes>>,
    expiries: Expiries,
    _registration: Arc<()>,
}

/// Where a watcher finds its next commits.
enum Supply {
    Feed,
    /// The change history, up to a commit.
    Journal(Seq),
    Nowhere,
}

impl<F: File> Database<F> {
    /// Watches `range` of the default collection, a key or several: each change that is committed from now on, or since a version, is told by
    /// [`Database::changes`], once and in the order of the commits. `limit` and `reverse` have no place here.
    ///
    /// Changes of recent commits are kept in [`Options::watch_buffer`](crate::Options::watch_buffer) bytes of memory for all
    /// watchers together, and in the file as long as
    /// [`Options::change_history`](crate::Options::change_history) says. Continuing from a version needs one of them.
    ///
    /// What an open group has written so far is acknowledged first.
    ///
    /// ```
    /// # use ferrolite::{ChangeKind, Database, Options, PageLimits, Range, WatchOptions, fs::Memory};
    /// # pollster::block_on(async {
    /// # let mut db = Database::open(&Memory::new(), "db", Options::default()).await?;
    /// let mut watcher = db.watch(&Range::prefix("user:"), &WatchOptions::default())?;
    /// let version = db.set("user:1", "alice")?;
    /// db.set("visits", &1)?;
    /// let changes = db.changes(&mut watcher, PageLimits::default())?;
    /// assert_eq!((changes.len(), changes[0].kind, changes[0].version), (1, ChangeKind::Set, version));
    /// # Ok::<(), ferrolite::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// `InvalidRange`; `ChangesLost` when not all changes since the version are kept, and when no commit has it: a crash
    /// may have lost one under [`Durability::Periodic`](crate::Durability::Periodic) and `Never`; as a read.
    pub fn watch(&mut self, range: &Range, options: &WatchOptions) -> Result<Watcher> {
        self.watch_in(Some(""), range, options)
    }

    /// Watches all collections, as [`Database::watch`].
    ///
    /// # Errors
    /// As [`Database::watch`].
    pub fn watch_all(&mut self, options: &WatchOptions) -> Result<Watcher> {
        self.watch_in(None, &Range::all(), options)
    }

    fn watch_in(&mut self, collection: Option<&str>, range: &Range, options: &WatchOptions) -> Result<Watcher> {
        if range.limit.is_some() || range.reverse {
            return Err(Error::InvalidRange { reason: "a watch has no `limit`, and is not to be reversed".to_owned() });
        }
        range.document_keys(CollectionId::DEFAULT)?;
        self.settle_group()?;
        let newest = self.version();
        let since = options.since.unwrap_or(newest);
        let registration = self.feed.join(newest);
        if since > newest || self.engine.is_skipped(since) {
            // A crash has lost the commit, and what the caller knows of the documents is not what they are.
            return Err(self.lost(since)?);
        }
        let mut watcher = Watcher {
            collection: collection.map(Arc::from),
            range: range.clone(),
            has_values: !options.without_values,
            behind: since,
            told: 0,
            read: VecDeque::new(),
            expiries: Expiries::default(),
            _registration: registration,
        };
        self.fetch(&mut watcher)?;
        self.find_expiries(&mut watcher)?;
        Ok(watcher)
    }

    /// What has changed since this was called before: about as much as `limits` says. Nothing when there is no more for now;
    /// look again after the next commit, and after [`Database::next_expiry`].
    ///
    /// Changes of one commit may come with more than one call. Who remembers a version to go on from takes that of a change
    /// when those of the next commit come.
    ///
    /// # Errors
    /// `ChangesLost` when changes are not kept any more, which is so for good; as a read.
    pub fn changes(&self, watcher: &mut Watcher, limits: PageLimits) -> Result<Vec<Change>> {
        let view = self.view();
        let (mut found, mut bytes) = (Vec::new(), 0);
        let mut is_full = |change: Change, found: &mut Vec<Change>| {
            bytes += change.key.len() + change.json.as_ref().map_or(0, String::len);
            found.push(change);
            found.len() >= limits.documents.max(1) || bytes >= limits.bytes.max(1)
        };
        loop {
            let commit = match self.fetch(watcher) {
                // Changes before the gap come before the error.
                Err(Error::ChangesLost { .. }) if !found.is_empty() => return Ok(found),
                commit => commit?,
            };
            let Some(commit) = commit else { break };
            while let Some(expired) = watcher.next_expired(commit.time_ms) {
                if is_full(expired, &mut found) {
                    return Ok(found);
                }
            }
            while let Some(note) = commit.notes.get(watcher.told) {
                if !watcher.covers(note) {
                    watcher.told += 1;
                    continue;
                }
                if let Some(expired) = watcher.follow(note, commit.version)?
                    && is_full(expired, &mut found)
                {
                    return Ok(found);
                }
                let json = if watcher.has_values { self.json_of(note, commit.version, view)? } else { None };
                watcher.told += 1;
                if is_full(note.told(commit.version, json), &mut found) {
                    return Ok(found);
                }
            }
            watcher.finish(commit.version);
        }
        watcher.behind = watcher.behind.max(self.feed.acknowledged());
        while let Some(expired) = watcher.next_expired(view.now_ms) {
            if is_full(expired, &mut found) {
                break;
            }
        }
        Ok(found)
    }

    /// True if [`Database::changes`] may have something to deliver. Costs almost nothing.
    pub fn may_have_changes(&self, watcher: &Watcher) -> bool {
        watcher.behind < self.feed.acknowledged() || self.next_expiry(watcher) == Some(Duration::ZERO)
    }

    /// How long until the next document expires that somebody watches.
    pub fn next_expiry(&self, watcher: &Watcher) -> Option<Duration> {
        let at_ms = watcher.expiries.next_ms()?;
        Some(Duration::from_millis(at_ms.saturating_sub(self.engine.now_ms())))
    }

    /// The next commit that a watcher delivers, complete or from a part of it on.
    fn fetch(&self, watcher: &mut Watcher) -> Result<Option<Arc<CommitNotes>>> {
        if let Some(commit) = watcher.read.front() {
            return Ok(Some(Arc::clone(commit)));
        }
        match self.supply_behind(watcher.behind) {
            Supply::Feed => Ok(self.feed.next_behind(watcher.behind)),
            Supply::Nowhere => Err(self.lost(watcher.behind)?),
            Supply::Journal(end) => {
                let Some(commits) = self.journal.read(&self.engine, watcher.behind, end)? else {
                    return Err(self.lost(watcher.behind)?);
                };
                watcher.read = commits.into();
                match watcher.read.front() {
                    Some(commit) => Ok(Some(Arc::clone(commit))),
                    None => {
                        watcher.behind = end;
                        Ok(self.feed.next_behind(end))
                    }
                }
            }
        }
    }

    fn supply_behind(&self, behind: Seq) -> Supply {
        if self.feed.reaches(behind) {
            return Supply::Feed;
        }
        let acknowledged = self.feed.acknowledged();
        match self.journal.whole_to(acknowledged) {
            Some(end) if behind <= end && (end == acknowledged || self.feed.reaches(end)) => Supply::Journal(end),
            _ => Supply::Nowhere,
        }
    }

    fn lost(&self, since: Seq) -> Result<Error> {
        let acknowledged = self.feed.acknowledged();
        let mut oldest = self.feed.oldest().min(acknowledged);
        if let Some(end) = self.journal.whole_to(acknowledged)
            && (end == acknowledged || self.feed.reaches(end))
        {
            oldest = oldest.min(self.journal.oldest(&self.engine, end)?);
        }
        Ok(Error::ChangesLost { since, oldest })
    }

    /// Begins the list of what expires with the documents that are there.
    fn find_expiries(&self, watcher: &mut Watcher) -> Result<()> {
        let view = self.view();
        let names = match &watcher.collection {
            Some(name) => vec![Arc::clone(name)],
            None => self.catalog.collection_ids().map(|id| Arc::from(self.catalog.name_of(id))).collect(),
        };
        for name in names {
            let Some(id) = self.catalog.collection(&name) else { continue };
            let Some(keys) = watcher.range.document_keys(id)? else { continue };
            if !self.engine.may_expire(&keys) {
                continue;
            }
            let mut scan = Scan::new(self, id, &watcher.range, Some(keys), view)?;
            while let Some((key, entry)) = scan.next_entry()? {
                if let Some(at_ms) = entry.expires_at {
                    watcher.expiries.add(&name, key_of(&key)?, at_ms, entry.seq)?;
                }
            }
        }
        Ok(())
    }

    /// Lets a watcher that has lost changes begin again with the present state. No group may be open.
    pub(super) fn restart(&self, watcher: &mut Watcher) -> Result<()> {
        watcher.behind = self.version();
        watcher.told = 0;
        watcher.read.clear();
        watcher.expiries = Expiries::default();
        self.find_expiries(watcher)
    }

    /// The document that a change has written, if it is still there.
    fn json_of(&self, note: &Note, version: Seq, view: View) -> Result<Option<String>> {
        if note.kind != ChangeKind::Set {
            return Ok(None);
        }
        let Some(id) = self.catalog.collection(&note.collection) else { return Ok(None) };
        let found = self.entry(id, &note.key, view)?.filter(|entry| entry.seq == version);
        let Some(entry) = found else { return Ok(None) };
        Ok(self.source(id, view.at).json(&note.key, &entry)?.map(Cow::into_owned))
    }
}

impl<F: File, D: DerefMut<Target = Database<F>>> Collection<D> {
    /// As [`Database::watch`]. The collection need not be there yet.
    pub fn watch(&mut self, range: &Range, options: &WatchOptions) -> Result<Watcher> {
        self.database.watch_in(Some(&self.name), range, options)
    }
}

impl Watcher {
    /// All changes up to this version were delivered.
    pub fn version(&self) -> u64 {
        self.behind
    }

    fn covers(&self, note: &Note) -> bool {
        self.collection.as_ref().is_none_or(|name| *name == note.collection)
            && (note.kind == ChangeKind::Drop || self.range.contains(&note.key))
    }

    fn finish(&mut self, version: Seq) {
        self.read.pop_front();
        self.behind = self.behind.max(version);
        self.told = 0;
    }

    /// A document whose time was over at `now_ms`.
    fn next_expired(&mut self, now_ms: u64) -> Option<Change> {
        let expired = self.expiries.take_expired(now_ms)?;
        Some(self.expired(&expired.collection, &expired.key, expired.version))
    }

    fn expired(&self, collection: &str, key: &str, old_version: Seq) -> Change {
        Change {
            kind: ChangeKind::Expire,
            collection: collection.to_owned(),
            key: key.to_owned(),
            version: self.behind,
            old_version,
            expires_at: None,
            json: None,
        }
    }

    /// Brings what is to expire up to a change that is about to be told. When the document before has expired after all, as
    /// a clock that was set back can hide, that is to be told first, and then this is called again.
    fn follow(&mut self, note: &Note, version: Seq) -> Result<Option<Change>> {
        if note.kind == ChangeKind::Drop {
            self.expiries.remove_collection(&note.collection);
            return Ok(None);
        }
        let expected = self.expiries.remove(&note.collection, &note.key);
        if let Some(old) = expected.filter(|old| note.old_version == 0 && *old < version) {
            return Ok(Some(self.expired(&note.collection, &note.key, old)));
        }
        if let Some(at_ms) = note.expires_at {
            self.expiries.add(&note.collection, &note.key, at_ms, version)?;
        }
        Ok(None)
    }
}
