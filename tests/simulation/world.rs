//! A database on a simulated disk, with all that is known of what it should hold.
//!
//! After every operation the world knows which states a crash may lead back to: those of the commits from the last
//! durable acknowledgement on, and of what was under way. A database that is opened again must be in one of them.

use crate::compare::{compare, compare_documents, summary};
use crate::damage::{Damage, compare_damaged};
use crate::host::{Host, START_MS};
use crate::model::{History, State};
use crate::operation::Operation;
use crate::secrets::{Secrets, is_marked};
use crate::tally::Tally;
use ferrolite::fs::simulated::{Recovery, Simulated, SimulatedFile};
use ferrolite::fs::{FileSystem, Memory};
use ferrolite::{Database, Durability, Encryption, Error, ErrorCode, Options, PageLimits, Range, Result, Snapshot};
use std::sync::Arc;

/// The file that all simulations use.
pub const NAME: &str = "db";
/// More commits than any operation makes.
pub const COMMITS_MAX: u64 = 1000;
/// How an operation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Done,
    /// It failed, and the database is as it was before.
    Refused,
    /// It failed, and the database takes no more writes until it is opened again.
    Closed,
    /// The simulated host has crashed.
    Crashed,
}

/// How a session came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Everything that was acknowledged can be read, be it durable or not.
    Dropped,
    PowerLost,
}

/// A snapshot that the program holds.
pub(crate) struct Held {
    pub snapshot: Snapshot,
    /// What it shows.
    pub state: State,
    pub began_ms: u64,
    /// Whether the clock has been where it may have ended by its age.
    pub was_old: bool,
}

pub struct World {
    pub fs: Simulated,
    pub host: Host,
    pub options: Options,
    pub(crate) secrets: Secrets,
    /// What the open database was opened by, or what opens it since.
    pub(crate) key: Option<Encryption>,
    pub db: Option<Database<SimulatedFile>>,
    /// What was acknowledged.
    pub state: State,
    pub version: u64,
    /// The version that the present session began with.
    pub(crate) opened_version: u64,
    pub history: History,
    pub now_ms: u64,
    pub(crate) snapshots: Vec<Held>,
    end: End,
    /// Whether the dropping of an index may have been interrupted: then it goes on by itself, with a commit.
    pub(crate) drops: bool,
    /// The commits of a group whose writing a crash has cut short.
    pub(crate) cut_short: Option<(u64, u64)>,
    /// On a disk that lies: what it may have damaged.
    pub(crate) damage: Option<Damage>,
    pub tally: Tally,
    /// True if the disk may have been full.
    pub bounded: bool,
    /// Bytes of the log that the session has found.
    pub(crate) found_log: u64,
    /// Bytes that the log may have had in the sessions so far.
    pub(crate) log_max: u64,
    /// Whether to print what happens.
    trace: bool,
}

impl World {
    pub fn new(seed: u64, secrets: Secrets, options: Options) -> Self {
        let mut tally = Tally::default();
        tally.one(format!("work: databases of kind {}", secrets.name()));
        Self {
            secrets,
            key: None,
            fs: Simulated::new(seed),
            host: Host::new(seed),
            options,
            db: None,
            state: State::default(),
            version: 0,
            opened_version: 0,
            history: History::new(),
            now_ms: START_MS,
            snapshots: Vec::new(),
            end: End::PowerLost,
            drops: false,
            cut_short: None,
            damage: None,
            bounded: false,
            found_log: 0,
            log_max: 0,
            tally,
            trace: std::env::var_os("FERROLITE_TRACE").is_some(),
        }
    }

    pub fn trace(&self, what: impl FnOnce() -> String) {
        if self.trace {
            let text = what();
            eprintln!("{:>5} {}", self.version, text.get(..400).unwrap_or(&text));
        }
    }

    pub fn is_always(&self) -> bool {
        self.options.durability == Durability::Always
    }

    /// Opens the database and compares what it holds with what it may hold.
    pub fn open(&mut self) -> Outcome {
        if let Some(damage) = &mut self.damage {
            damage.note_open();
        }
        let opened = self.open_by_any_key();
        // A fault was for the opening; what follows only compares.
        self.fs.clear_faults();
        self.note_lies();
        match opened {
            Ok(db) => {
                self.tally.one("work: databases opened");
                self.db = Some(db);
                self.measure_found_log();
                self.recognize()
            }
            Err(error) => self.classify(&error, "opening"),
        }
    }

    /// Opens it by the first of the keys that may open it and does.
    fn open_by_any_key(&mut self) -> Result<Database<SimulatedFile>> {
        let mut outcome = None;
        for key in self.secrets.candidates() {
            let opened = open_by(&self.fs, &self.host, &self.options, key.clone());
            let is_wrong = opened.as_ref().is_err_and(|error| error.code() == ErrorCode::WrongKey);
            if opened.is_ok() {
                self.key = key;
            }
            outcome = Some(opened);
            if !is_wrong {
                break;
            }
        }
        outcome.expect("there is a key, or none is needed")
    }

    /// What opened it once does not open it any more.
    fn refuse_retired_keys(&mut self) {
        let Some(content) = self.fs.content(NAME).filter(|_| self.damage.is_none()) else { return };
        let options = Options { read_only: true, ..self.options.clone() };
        let fs = Memory::new();
        fs.set_bytes(NAME, content);
        for key in self.secrets.retired() {
            let error = open_by(&fs, &self.host, &options, Some(key.clone())).err();
            assert_eq!(error.map(|error| error.code()), Some(ErrorCode::WrongKey), "a key that was changed");
            self.tally.one("work: old keys refused");
        }
        if !self.secrets.is_encrypted() {
            return;
        }
        let error = open_by(&fs, &self.host, &options, None).err();
        assert_eq!(error.map(|error| error.code()), Some(ErrorCode::KeyRequired));
    }

    /// Nothing that was written can be read in an encrypted file; in a plain one it can, so that this would be noticed.
    pub fn look_for_marks(&mut self) {
        let Some(content) = self.fs.content(NAME) else { return };
        let is_marked = is_marked(&content);
        assert!(!is_marked || !self.secrets.is_encrypted(), "something of the documents can be read in the file");
        let kind = if self.secrets.is_encrypted() { "encrypted" } else { "plain" };
        self.tally.one(format!("marks: {kind} files, {}", if is_marked { "some" } else { "none" }));
    }

    /// Finds out which of the possible states the opened database is in.
    fn recognize(&mut self) -> Outcome {
        let db = self.db.as_ref().expect("it was just opened");
        let version = db.version();
        let least = if self.end == End::PowerLost { self.history.durable() } else { self.version };
        let least = if self.damage.as_ref().is_some_and(Damage::excuses_older_state) { 0 } else { least };
        if let Some((first, last)) = self.cut_short.take().filter(|_| self.damage.is_none()) {
            let content = self.fs.content(NAME).unwrap_or_default();
            let found = if version >= last {
                "all of it"
            } else if has_part_of_group(&content, first) {
                "a part of it, and dropped"
            } else {
                "nothing of it"
            };
            self.tally.one(format!("group cut short by a crash: {found}"));
        }
        assert!(version >= least, "version {version} was found, but {least} was acknowledged");
        let mut states = self.history.states_at(version);
        if self.drops {
            let earlier = (1..3).filter_map(|back| version.checked_sub(back)).filter(|&earlier| earlier >= least);
            states.extend(earlier.flat_map(|earlier| self.history.states_at(earlier)));
        }
        let mut problems = Vec::new();
        for state in &states {
            let outcome = match &self.damage {
                Some(damage) if damage.is_any() => compare_damaged(db, state, self.now_ms),
                _ => compare(db, state, self.now_ms),
            };
            match outcome {
                Ok(settled) => {
                    if version < self.version && self.damage.is_some() {
                        self.tally.one("bit rot and lies: opened an older state");
                    }
                    self.trace(|| format!("open: version {version}, {}", summary(&settled)));
                    return self.begin(version, settled);
                }
                // The power may fail again while it is read: opening may go on with what was begun before.
                Err(problem) if is_crash(&problem) => return self.crashed(),
                Err(problem) => problems.push(problem),
            }
        }
        panic!("version {version}, of {least} to {}, is none of what was committed: {problems:#?}", self.version);
    }

    fn begin(&mut self, version: u64, state: State) -> Outcome {
        match self.end {
            End::PowerLost => self.history.settle(version, state.clone()),
            End::Dropped => self.history.resume(version, state.clone()),
        }
        (self.version, self.state, self.end) = (version, state, End::Dropped);
        self.opened_version = version;
        Outcome::Done
    }

    fn crashed(&mut self) -> Outcome {
        self.note_session();
        self.snapshots.clear();
        self.db = None;
        Outcome::Crashed
    }

    /// What an error of the host or of the database means.
    pub(crate) fn classify(&mut self, error: &Error, what: &str) -> Outcome {
        self.trace(|| format!("{what}: {error}"));
        self.note_lies();
        if is_crash(&error.to_string()) {
            self.note_crash(what);
            return self.crashed();
        }
        let code = error.code();
        if self.damage.as_ref().is_some_and(|damage| damage.explains(code, what, self.version == 0)) {
            self.tally.one(format!("bit rot and lies: {code} while {what}"));
            return self.outcome_of_error();
        }
        let is_expected = matches!(code, ErrorCode::Io | ErrorCode::StorageFull | ErrorCode::Failed);
        assert!(is_expected && self.fs.faults_fired() > 0 || code == ErrorCode::StorageFull, "{what}: {error}");
        self.tally.one(format!("error: {code} while {what}"));
        self.outcome_of_error()
    }

    fn outcome_of_error(&self) -> Outcome {
        let failed = self.db.as_ref().and_then(|db| db.stats().engine.failed);
        if failed.is_some() { Outcome::Closed } else { Outcome::Refused }
    }

    fn note_crash(&mut self, what: &str) {
        let Some(call) = self.fs.crashed_in() else { return };
        let is_recovering = self.db.is_some() && self.version == self.opened_version && what != "close";
        self.tally.one(format!("crash while {}", if is_recovering { "recovering" } else { what }));
        self.tally.one(format!("crash in {call:?}"));
    }

    fn note_session(&mut self) {
        if let Some(db) = &self.db {
            self.tally.engine(&db.stats().engine);
        }
    }

    fn note_lies(&mut self) {
        let Some(damage) = &mut self.damage else { return };
        let lies = self.fs.lies();
        let new = damage.note_lies(&lies);
        for lie in &lies[new..] {
            let (kind, len) = (lie.bytes.first().copied(), lie.bytes.len());
            self.trace(|| format!("lie: {len} bytes of kind {kind:?} for {} to {:?}", lie.offset, lie.landed_at));
        }
    }

    /// Bits rot, on a disk that lies. `draw` gives the place, below the length that it is given.
    pub fn rot(&mut self, draw: impl FnOnce(u64) -> (u64, u32)) {
        let (Some(damage), Some(content)) = (&mut self.damage, self.fs.content(NAME)) else { return };
        if content.is_empty() {
            return;
        }
        let (offset, bit) = draw(content.len() as u64);
        damage.note_rot(offset);
        self.fs.flip_bit(NAME, offset as usize, bit);
        self.tally.one("bit rot: bytes");
        self.trace(|| format!("bit {bit} of byte {offset} of {} rots", content.len()));
    }

    /// Whether the power has failed and is not back.
    pub fn is_down(&self) -> bool {
        pollster::block_on(self.fs.list()).is_err()
    }

    /// The process ends without closing the database. What it has written stays with the host.
    pub fn kill(&mut self) {
        self.trace(|| "kill".to_owned());
        self.tally.one("work: kills");
        self.note_session();
        self.snapshots.clear();
        self.db = None;
    }

    /// What looked like a power failure was the process being killed in the middle of a call: the host goes on.
    pub fn restart_process(&mut self) {
        self.trace(|| "killed in a call".to_owned());
        self.tally.one("work: kills in the middle of a call");
        self.fs.restart_process();
    }

    /// The power fails and comes back. What is lost, and what of it is there when the database is opened, is not known.
    pub fn restart(&mut self, recovery: Recovery) {
        self.trace(|| format!("power loss, {recovery:?} of {}", self.fs.unsynced()));
        self.crashed();
        self.fs.restart(recovery);
        if self.fs.unsynced() == 0 && self.version.is_multiple_of(2) {
            self.look_for_marks();
        }
        self.end = End::PowerLost;
    }

    /// Closes the database. When that succeeds, everything is durable; but a session that has written nothing says
    /// nothing of what it found.
    pub fn close(&mut self) -> Outcome {
        self.snapshots.clear();
        self.note_session();
        let Some(db) = self.db.take() else { return Outcome::Done };
        self.note_lies();
        match db.close() {
            // The crash had ended the database before, and all commits were durable: nothing was left to close.
            Ok(()) if self.fs.crashed_in().is_some() => {
                self.note_crash("close");
                self.crashed()
            }
            Ok(()) => {
                self.trace(|| "close".to_owned());
                self.tally.one("work: databases closed");
                if self.version > self.opened_version {
                    // Whoever writes makes both key slots alike.
                    if let Some(key) = self.key.take().filter(|_| self.damage.is_none()) {
                        self.secrets.settle(&key);
                    }
                    self.refuse_retired_keys();
                    self.history.make_durable(self.version);
                    self.measure_file();
                    if let Some(damage) = &mut self.damage {
                        damage.note_close(&self.fs.lies());
                    }
                }
                Outcome::Done
            }
            Err(error) => self.classify(&error, "close"),
        }
    }

    /// All that was exercised.
    pub fn into_tally(mut self) -> Tally {
        self.note_session();
        self.tally.disk(&self.fs);
        self.tally
    }

    /// Compares everything with what was acknowledged. REQUIRES: no faults are planned.
    pub fn compare(&mut self) {
        self.note_lies();
        let Some(db) = &self.db else { return };
        assert_eq!(db.version(), self.version, "the version of the last commit");
        let outcome = match &self.damage {
            Some(damage) if damage.is_any() => compare_damaged(db, &self.state, self.now_ms),
            _ => compare(db, &self.state, self.now_ms),
        };
        self.tally.one("work: comparisons of everything");
        match outcome {
            Ok(settled) => self.state = settled,
            Err(problem) if is_crash(&problem) => {}
            Err(problem) => panic!("version {}: {problem}", self.version),
        }
    }

    pub(crate) fn set_clock(&mut self, by_ms: i64) {
        self.now_ms = self.now_ms.saturating_add_signed(by_ms);
        self.host.set_now_ms(self.now_ms);
        self.history.lapse(self.now_ms);
        self.state.lapse(self.now_ms);
        let age_max_ms = self.options.snapshot_max_age * 1000;
        for held in &mut self.snapshots {
            held.was_old |= self.now_ms > held.began_ms + age_max_ms;
        }
    }

    /// Reads the oldest snapshot page by page: it shows what it showed when it was taken.
    pub(crate) fn read_snapshot(&self) -> Result<()> {
        let Some((held, db)) = self.snapshots.first().zip(self.db.as_ref()) else { return Ok(()) };
        let Held { snapshot, state, began_ms, .. } = held;
        let limits = PageLimits { documents: 7, bytes: 4096 };
        let (mut found, mut after) = (Vec::new(), None::<String>);
        loop {
            let page = db.scan_page(&Range::all(), *snapshot, after.as_deref(), limits)?;
            after = page.documents.last().map(|document| document.key.clone());
            found.extend(page.documents);
            if !page.more || after.is_none() {
                break;
            }
        }
        if let Err(problem) = compare_documents(&found, state, *began_ms) {
            panic!("a snapshot of {}: {problem}", summary(state));
        }
        Ok(())
    }

    /// Does an operation and learns from how it ended.
    pub fn apply(&mut self, operation: &Operation) -> Outcome {
        self.trace(|| format!("{operation:?}"));
        if self.db.is_none() {
            return Outcome::Done;
        }
        if let Some(damage) = &mut self.damage {
            damage.note_work();
        }
        let outcome = self.dispatch(operation);
        self.note_lies();
        self.assert_short_log();
        if outcome == Outcome::Done {
            match operation {
                Operation::CreateIndex(_) => self.tally.one("work: indexes built"),
                Operation::DropIndex(_) => self.tally.one("work: indexes dropped"),
                Operation::ReadSnapshot => self.tally.one("work: snapshots read"),
                Operation::Clock(by_ms) if *by_ms < 0 => self.tally.one("work: clock set back"),
                Operation::Clock(_) => self.tally.one("work: clock moved on"),
                Operation::Compact | Operation::CompactSlowly(..) => self.tally.one("work: compactions"),
                Operation::ChangeKey => self.tally.one("work: keys changed"),
                Operation::RotateKey => self.tally.one("work: data keys rotated"),
                Operation::RotateSlowly(..) => self.tally.one("work: data keys rotated in slices, or begun to be"),
                _ => {}
            }
        }
        if outcome == Outcome::Refused {
            let found = self.db.as_ref().map(Database::version);
            assert_eq!(found, Some(self.version), "{operation:?} was refused, and yet committed something");
        }
        outcome
    }
}

fn open_by<S: FileSystem>(
    fs: &S,
    host: &Host,
    options: &Options,
    key: Option<Encryption>,
) -> Result<Database<S::File>> {
    let options = Options { encryption: key, ..options.clone() };
    pollster::block_on(Database::open_with(fs, NAME, options, Arc::new(host.clone())))
}

/// Whether the file has a frame of the log with this commit, whose group goes on.
fn has_part_of_group(content: &[u8], commit: u64) -> bool {
    let is_frame = |header: &[u8]| header[..2] == [17, 0] && header[3] & 0x80 != 0;
    content
        .chunks_exact(16)
        .zip(content.chunks_exact(16).skip(1))
        .any(|(start, next)| is_frame(start) && next[8..] == commit.to_le_bytes())
}

fn is_crash(message: &str) -> bool {
    message.contains("simulated host has crashed")
}
