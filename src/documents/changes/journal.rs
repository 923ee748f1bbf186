//! The change history: what commits have changed, in a key space of the database itself, for a while.
//!
//! ```text
//! key  1                                                    value  u64, little-endian: the version of the last entry
//!                                                                  u64, little-endian: that behind which there is no gap
//! key  2 | version (u64, big-endian) | part (u32, the same) value  what that commit has changed
//!
//! part  varint: the version of the entry before, varint: when it was committed (milliseconds since 1970), changes
//!
//! change  u8        0 deleted, 1 set, 2 the collection was dropped; +4 with an expiry, +8 with a collection
//!         prefixed  the name of the collection, +8; else it is that of the change before, and of the first the default one
//!         prefixed  the document's key
//!         varint    the version of the document before, 0 for none
//!         varint    when the new one expires, +4
//! ```
//!
//! The first key is written by every commit that keeps the history, and so its version shows whether all commits have:
//! one that did not is behind it. Then the history begins again. Entries expire, and each names the one before, so that it is
//! seen when the next one behind a version is not there any more.

use super::change::CommitNotes;
use crate::documents::error::{Error, Result};
use crate::documents::keyspace::key::{CHANGES, PREFIX_LENGTH};
use crate::documents::keyspace::range::end_of;
use crate::documents::options::ChangeHistory;
use crate::engine::{Batch, Engine, KeyRange, SKIPPED, Seq};
use crate::fs::File;
use std::ops::Bound;
use std::sync::Arc;

const STANDING: u8 = 1;
const ENTRY: u8 = 2;

/// Notes that are read at once, at most about.
const READ_BYTES: usize = 256 << 10;

/// The change history of a database.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    /// For how long entries are kept; `None` when none are written.
    span_ms: Option<u64>,
    /// The same, when they are only written while somebody watches and as long behind that.
    watched_span_ms: Option<u64>,
    /// Until when that is, if nobody watches from now on.
    until_ms: u64,
    /// The version of the last entry, or that behind which the history begins.
    last: Seq,
    /// Commits behind this one have all been noted, ...
    begun: Seq,
    /// ... up to this one.
    whole_to: Option<Seq>,
}

impl Journal {
    /// The extent of a history.
    pub fn load<F: File>(engine: &Engine<F>, options: Option<ChangeHistory>) -> Result<Self> {
        let mut journal = Self { span_ms: options.map(|history| history.seconds * 1000), ..Self::default() };
        journal.reload(engine)?;
        Ok(journal)
    }

    /// Reads the state again, after commits were rolled back.
    pub fn reload<F: File>(&mut self, engine: &Engine<F>) -> Result<()> {
        let newest = engine.last_seq();
        let found = engine.get(&standing_key(), newest, 0)?;
        let is_whole = found.as_ref().is_some_and(|found| found.seq == newest);
        let standing = found.filter(|_| is_whole).map(|found| parse_standing(&found.value));
        (self.last, self.begun) = standing.transpose()?.unwrap_or((newest, newest));
        self.whole_to = is_whole.then_some(newest);
        Ok(())
    }

    /// True if commits are written into it.
    pub fn is_kept(&self) -> bool {
        self.span_ms.is_some()
    }

    /// True if it has all commits up to the newest one.
    pub fn goes_on(&self) -> bool {
        self.whole_to.is_some()
    }

    /// Unless the history is kept anyway, it is from now on while somebody watches, and for `span_ms` behind that; with
    /// `at_once` for that long from `now_ms` on, too.
    #[cfg(any(test, boundary))]
    pub fn keep_while_watched(&mut self, span_ms: u64, at_once: bool, now_ms: u64) {
        if self.span_ms.is_none() {
            self.watched_span_ms = Some(span_ms);
            self.until_ms = if at_once { now_ms.saturating_add(span_ms) } else { 0 };
        }
    }

    /// True if the commit behind `newest` is to be written into it.
    pub fn wants(&mut self, is_watched: bool, newest: Seq, now_ms: u64) -> bool {
        if let Some(span_ms) = self.watched_span_ms {
            if is_watched {
                self.until_ms = now_ms.saturating_add(span_ms);
            }
            self.span_ms = (now_ms < self.until_ms).then_some(span_ms);
            if self.is_kept() && self.whole_to != Some(newest) {
                (self.last, self.begun) = (newest, newest);
            }
        }
        self.is_kept()
    }

    /// Adds to `batch` what notes its own changes, for a commit that will have the number `notes.version`. Returns the
    /// version of the newest entry then. Once the commit is made, [`Journal::staged`] must be called.
    ///
    /// When numbers were left out between `newest`, the commit before, and this one, both get an entry, even if they have
    /// changed nothing: so that [`is_unknown`] can tell the numbers that were left out from those of commits.
    pub fn stage(&self, batch: &mut Batch, notes: &CommitNotes, newest: Seq) -> Seq {
        let Some(span_ms) = self.span_ms else { return self.last };
        let mut last = self.last;
        let mut add = |notes: &CommitNotes| {
            let expires_at = notes.time_ms.saturating_add(span_ms);
            for (part, value) in (0..).zip(notes.encode(last)) {
                batch.put(entry_key(notes.version, part), value, Some(expires_at));
            }
            last = notes.version;
        };
        let has_skipped = notes.version > newest + 1;
        if has_skipped && newest > self.last {
            add(&CommitNotes { version: newest, time_ms: notes.time_ms, notes: Vec::new() });
        }
        if has_skipped || !notes.notes.is_empty() {
            add(notes);
        }
        let standing = [last.to_le_bytes(), self.begun.to_le_bytes()].concat();
        batch.put(standing_key(), standing, None);
        last
    }

    /// The commit of these changes was made, and [`Journal::stage`] has returned `last`.
    pub fn staged(&mut self, notes: &CommitNotes, last: Seq) {
        if self.is_kept() {
            self.last = last;
            self.whole_to = Some(notes.version);
        }
    }

    /// The last commit up to which it has everything, when `acknowledged` is the last one of all.
    pub fn whole_to(&self, acknowledged: Seq) -> Option<Seq> {
        self.whole_to.map(|whole| whole.min(acknowledged))
    }

    /// Some of the commits behind `behind`, up to `end`; an empty list when there are no more, and `None` when
    /// the next ones are missing.
    pub fn read<F: File>(&self, engine: &Engine<F>, behind: Seq, end: Seq) -> Result<Option<Vec<Arc<CommitNotes>>>> {
        if behind < self.begun {
            return Ok(None);
        }
        let (mut commits, mut bytes, mut expected) = (Vec::<CommitNotes>::new(), 0, behind);
        let mut cursor = self.entries(engine, behind, end, false)?;
        while let Some((key, entry)) = cursor.next()? {
            let (part, previous) = parse(&key, &entry.value)?;
            match commits.last_mut() {
                // A part of the commit before.
                Some(commit) if commit.version == part.version => commit.notes.extend(part.notes),
                _ if previous > expected || bytes > READ_BYTES => break,
                None if is_unknown(behind, previous, part.version) => return Ok(None),
                _ => {
                    expected = part.version;
                    commits.push(part);
                }
            }
            bytes += entry.value.len();
        }
        let is_gap = commits.is_empty() && behind < end && self.lacks(engine, behind, end)?;
        Ok((!is_gap).then(|| commits.into_iter().map(Arc::new).collect()))
    }

    /// True if an entry behind `behind` up to `end` has expired, when none is there.
    fn lacks<F: File>(&self, engine: &Engine<F>, behind: Seq, end: Seq) -> Result<bool> {
        match self.entries(engine, end, Seq::MAX, false)?.next()? {
            // Of a commit that is not acknowledged yet.
            Some((key, entry)) => Ok(parse(&key, &entry.value)?.1 > behind),
            None => Ok(self.last > behind),
        }
    }

    /// Returns the first version from which all commits are there, up to `end`. Entries may be missing in between: they need
    /// not expire in their order. So this looks from the newest entry on backwards for the first gap.
    pub fn oldest<F: File>(&self, engine: &Engine<F>, end: Seq) -> Result<Seq> {
        let behind_end = self.entries(engine, end, Seq::MAX, false)?.next()?;
        let mut oldest = match behind_end {
            Some((key, entry)) => parse(&key, &entry.value)?.1,
            None => self.last,
        };
        let mut cursor = self.entries(engine, self.begun, end, true)?;
        let mut newer = Seq::MAX;
        while let Some((key, entry)) = cursor.next()? {
            let (part, previous) = parse(&key, &entry.value)?;
            // An entry may have several parts.
            if part.version != oldest && part.version != newer {
                break;
            }
            (newer, oldest) = (part.version, previous);
        }
        Ok(oldest.max(self.begun))
    }

    /// Calls `look` for each entry: for those who look for damage.
    pub fn check<F: File>(engine: &Engine<F>, mut look: impl FnMut(Result<()>) -> Result<()>) -> Result<()> {
        let range = KeyRange { start: Bound::Included(CHANGES.to_vec()), end: end_of(CHANGES.to_vec()) };
        let mut cursor = engine.scan(range, false, engine.last_seq(), 0)?;
        while let Some((key, entry)) = cursor.next()? {
            let is_standing = key == standing_key();
            look(match is_standing {
                true => parse_standing(&entry.value).map(drop),
                false => parse(&key, &entry.value).map(drop),
            })?;
        }
        Ok(())
    }

    fn entries<'a, F: File>(
        &self,
        engine: &'a Engine<F>,
        behind: Seq,
        end: Seq,
        reverse: bool,
    ) -> Result<crate::engine::Cursor<'a, F>> {
        let start = Bound::Included(entry_key(behind.saturating_add(1), 0));
        let range = KeyRange { start, end: Bound::Included(entry_key(end, u32::MAX)) };
        Ok(engine.scan(range, reverse, engine.last_seq(), engine.now_ms())?)
    }
}

/// True if it is not known that a commit with the number `since` was stored, where `version` is the next entry and `previous`
/// the one before it: numbers were left out between them.
fn is_unknown(since: Seq, previous: Seq, version: Seq) -> bool {
    previous < since && since < version && version - previous > SKIPPED
}

fn standing_key() -> Vec<u8> {
    [&CHANGES[..], &[STANDING]].concat()
}

fn entry_key(version: Seq, part: u32) -> Vec<u8> {
    [&CHANGES[..], &[ENTRY], &version.to_be_bytes(), &part.to_be_bytes()].concat()
}

/// The last entry, and where the history begins.
fn parse_standing(value: &[u8]) -> Result<(Seq, Seq)> {
    let number = |bytes: &[u8]| bytes.try_into().ok().map(u64::from_le_bytes);
    let (last, begun) = value.split_at_checked(size_of::<Seq>()).unwrap_or_default();
    number(last).zip(number(begun)).filter(|(last, begun)| last >= begun).ok_or_else(|| Error::Corrupt {
        what: "the change history".to_owned(),
        at: "what says where it stands".to_owned(),
    })
}

/// A part of an entry, and the version of the entry before.
fn parse(key: &[u8], value: &[u8]) -> Result<(CommitNotes, Seq)> {
    let version = || {
        let (version, part) = key.get(PREFIX_LENGTH..)?.strip_prefix(&[ENTRY])?.split_first_chunk()?;
        (part.len() == size_of::<u32>()).then(|| u64::from_be_bytes(*version))
    };
    version().and_then(|version| CommitNotes::decode(version, value)).ok_or_else(|| Error::Corrupt {
        what: "an entry of the change history".to_owned(),
        at: format!("key {key:02x?}"),
    })
}
