//! Two connections to one file on a host without locks. Whoever writes first owns the file; the other one's writes are
//! refused with `Locked`, and its reads are right or refused. Nothing that was acknowledged is lost.

use crate::host::Host;
use crate::random::Random;
use crate::runner::run_seeds;
use crate::secrets::{MARK, Secrets, is_marked};
use crate::tally::Tally;
use ferrolite::fs::simulated::{Recovery, Simulated, SimulatedFile};
use ferrolite::{Database, Error, ErrorCode, Options, PageLimits, Range, RotateProgress, Snapshot};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Seeds in an ordinary run.
const SEEDS: u64 = if cfg!(target_os = "wasi") { 150 } else { 800 };
const NAME: &str = "db";

type State = BTreeMap<String, String>;

struct Connection {
    db: Database<SimulatedFile>,
    /// What it may answer: what was there when it was opened, and its own commits.
    view: State,
    /// How many commits the file had when it was opened, or after its own last one.
    commits: u64,
    /// How many connections had begun to write when it was opened.
    claims: u64,
    is_owner: bool,
    snapshot: Option<(Snapshot, State)>,
}

struct World {
    fs: Simulated,
    host: Host,
    secrets: Secrets,
    connections: [Option<Connection>; 2],
    /// What was acknowledged.
    state: State,
    commits: u64,
    claims: u64,
    tally: Tally,
}

fn is_crash(error: &Error) -> bool {
    error.to_string().contains("simulated host has crashed")
}

impl World {
    fn open(&mut self, side: usize) -> Result<(), Error> {
        let options = Options { memtable_size: 16 << 10, page_size: 512, cache_size: 0, ..Options::default() };
        let db = self.open_by_any_key(&options)?;
        let found: State = db.entries_json(&Range::all())?.into_iter().collect();
        assert!(found == self.state, "{} documents were found, of {}", found.len(), self.state.len());
        assert!(db.check(true)?.is_ok());
        let (commits, claims) = (self.commits, self.claims);
        self.connections[side] = Some(Connection { db, view: found, commits, claims, is_owner: false, snapshot: None });
        self.tally.one("work: databases opened");
        Ok(())
    }

    fn open_by_any_key(&self, options: &Options) -> Result<Database<SimulatedFile>, Error> {
        let mut outcome = None;
        for encryption in self.secrets.candidates() {
            let options = Options { encryption, ..options.clone() };
            let host = Arc::new(self.host.clone());
            let opened = pollster::block_on(Database::open_with(&self.fs, NAME, options, host));
            let is_wrong = opened.as_ref().is_err_and(|error| error.code() == ErrorCode::WrongKey);
            outcome = Some(opened);
            if !is_wrong {
                break;
            }
        }
        outcome.expect("there is a key, or none is needed")
    }

    /// Changes the keys of an encrypted file, as its owner; a connection that has lost it is refused.
    fn change_keys(&mut self, side: usize, random: &mut Random) -> Result<(), Error> {
        let Some(connection) = self.connections[side].as_mut().filter(|_| self.secrets.is_encrypted()) else {
            return Ok(());
        };
        let may_write = connection.claims == self.claims && connection.commits == self.commits;
        let before = self.fs.content(NAME);
        let next = self.secrets.make();
        let is_change = random.chance(60);
        let outcome = if is_change {
            connection.db.change_key(&next)
        } else {
            let mut progress = RotateProgress::default();
            let steps = random.between(1, 30);
            (0..steps).try_for_each(|_| connection.db.rotate_key_step(&mut progress, 4096))
        };
        if !may_write {
            assert!(self.fs.content(NAME) == before, "a connection that has lost the file has written to it");
        } else if self.fs.content(NAME) != before {
            // That is news to those who have opened the file before.
            connection.is_owner = true;
            self.claims += 1;
            connection.claims = self.claims;
        }
        match outcome {
            Err(error) if error.code() == ErrorCode::Locked && !may_write => {
                self.tally.one("two: changes of keys refused");
                Ok(())
            }
            Ok(()) => {
                assert!(may_write, "a change of keys is acknowledged to a connection that has lost the file");
                if is_change {
                    self.secrets.changed(next);
                }
                self.tally.one("two: changes of keys");
                Ok(())
            }
            Err(error) => {
                if is_change {
                    self.secrets.may_have_changed(next);
                }
                Err(error)
            }
        }
    }

    /// Compares all that a connection answers; one that has lost the file may refuse.
    fn compare(&mut self, side: usize) -> Result<(), Error> {
        let Some(connection) = &self.connections[side] else { return Ok(()) };
        let has_lost = connection.commits != self.commits || connection.claims != self.claims;
        let mut answers = vec![(connection.db.entries_json(&Range::all()), &connection.view)];
        if let Some((snapshot, view)) = &connection.snapshot {
            let limits = PageLimits { documents: 10_000, bytes: 1 << 30 };
            let page = connection.db.scan_page(&Range::all(), *snapshot, None, limits);
            let documents = page.map(|page| page.documents);
            answers.push((documents.map(|all| all.into_iter().map(|found| (found.key, found.json)).collect()), view));
        }
        for (answer, view) in answers {
            match answer {
                Ok(found) => {
                    let found: State = found.into_iter().collect();
                    assert!(found == *view, "{} documents were read, of {}", found.len(), view.len());
                    self.tally.one(if has_lost { "two: read by the loser" } else { "two: read" });
                }
                Err(error) if has_lost && error.code() == ErrorCode::Locked => self.tally.one("two: read refused"),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// A write. Gives the states that a crash in it may leave.
    fn write(&mut self, side: usize, random: &mut Random) -> Result<(), (Error, State)> {
        let Some(connection) = &mut self.connections[side] else { return Ok(()) };
        let may_write = connection.claims == self.claims && connection.commits == self.commits;
        let mut after = connection.view.clone();
        let key = format!("{:02}{MARK}", random.below(40));
        let outcome = if random.chance(25) {
            after.remove(&key);
            connection.db.delete(&key).map(drop)
        } else {
            let text = format!("\"{}{}\"", "x".repeat(random.below(900) as usize), random.below(1000));
            after.insert(key.clone(), text.clone());
            connection.db.set_json(&key, &text).map(drop)
        };
        match outcome {
            Ok(()) => {
                let has_changed = connection.db.version() > 0 && after != connection.view;
                assert!(may_write || !has_changed, "a write is acknowledged to a connection that has lost the file");
                if may_write && has_changed {
                    if !connection.is_owner {
                        connection.is_owner = true;
                        self.claims += 1;
                        connection.claims = self.claims;
                    }
                    self.commits += 1;
                    connection.commits = self.commits;
                    connection.view = after.clone();
                    self.state = after;
                    self.tally.one("two: writes");
                }
                Ok(())
            }
            Err(error) if error.code() == ErrorCode::Locked && !may_write => {
                self.tally.one("two: writes refused");
                Ok(())
            }
            Err(error) => Err((error, after)),
        }
    }

    fn upkeep(&mut self, side: usize, random: &mut Random) -> Result<(), Error> {
        let Some(connection) = &mut self.connections[side] else { return Ok(()) };
        let may_write = connection.claims == self.claims && connection.commits == self.commits;
        let before = self.fs.content(NAME);
        let outcome = match random.below(3) {
            // Compacting begins to write, where it has not begun before.
            0 if connection.is_owner => connection.db.compact(),
            1 => connection.db.maintain(32 << 10).map(drop),
            _ => {
                connection.snapshot = connection.db.snapshot().ok().map(|snapshot| (snapshot, connection.view.clone()));
                Ok(())
            }
        };
        if may_write && self.fs.content(NAME) != before {
            // That is news to those who have opened the file before.
            self.claims += 1;
            connection.claims = self.claims;
        }
        match outcome {
            Err(error) if error.code() == ErrorCode::Locked && !may_write => Ok(()),
            outcome => outcome,
        }
    }

    fn close(&mut self, side: usize) -> Result<(), Error> {
        let Some(connection) = self.connections[side].take() else { return Ok(()) };
        let may_write = connection.claims == self.claims && connection.commits == self.commits;
        self.tally.engine(&connection.db.stats().engine);
        let before = self.fs.content(NAME);
        let outcome = connection.db.close();
        if self.fs.content(NAME) != before {
            assert!(may_write || outcome.is_err(), "a connection that has lost the file has written to it");
            self.claims += 1;
        }
        match outcome {
            Err(error) if error.code() == ErrorCode::Locked && !may_write => Ok(()),
            outcome => outcome,
        }
    }

    /// The power has failed. What was under way is there or not.
    fn restart(&mut self, under_way: Option<State>) {
        self.connections = [None, None];
        self.fs.restart(Recovery::Random);
        let options = Options { read_only: self.commits > 0, ..Options::default() };
        let is_marked = self.fs.content(NAME).is_some_and(|content| is_marked(&content));
        assert!(!is_marked || !self.secrets.is_encrypted(), "something of the documents can be read in the file");
        let db = self.open_by_any_key(&options).expect("it opens");
        let found: State = db.entries_json(&Range::all()).expect("it can be read").into_iter().collect();
        let is_right = found == self.state || under_way.as_ref() == Some(&found);
        assert!(is_right, "after a crash {} documents are there, of {}", found.len(), self.state.len());
        self.state = found;
        self.claims += 1;
        self.tally.one("work: recoveries");
    }
}

fn run(seed: u64) -> Tally {
    let mut random = Random::new(seed ^ 0x7368_6172_6564);
    let fs = Simulated::new(seed);
    fs.set_exclusive(false);
    let (state, tally) = (State::new(), Tally::default());
    let (host, secrets) = (Host::new(seed), Secrets::new(seed));
    let mut world = World { fs, host, secrets, connections: [None, None], state, commits: 0, claims: 0, tally };
    for _ in 0..random.between(20, 200) {
        if random.chance(2) {
            world.fs.crash_after(random.between(1, 60));
        }
        let side = random.below(2) as usize;
        let is_traced = std::env::var_os("FERROLITE_TRACE").is_some();
        let told = is_traced.then_some((world.commits, world.claims, world.state.len()));
        let choice = random.below(13);
        let outcome = match choice {
            0 | 1 => world.close(side).and_then(|()| world.open(side)).map_err(|error| (error, None)),
            2 => {
                // The process ends.
                world.connections[side] = None;
                Ok(())
            }
            3 | 4 => world.upkeep(side, &mut random).map_err(|error| (error, None)),
            5 | 6 => world.compare(side).map_err(|error| (error, None)),
            7 => world.change_keys(side, &mut random).map_err(|error| (error, None)),
            _ if world.connections[side].is_none() => world.open(side).map_err(|error| (error, None)),
            _ => world.write(side, &mut random).map_err(|(error, after)| (error, Some(after))),
        };
        if let Some((commits, claims, documents)) = told {
            let open = world.connections.each_ref().map(Option::is_some);
            let after = (world.commits, world.claims, world.state.len());
            eprintln!(
                "choice {choice} by side {side}: {:?} to {after:?}, open {open:?}: {outcome:?}",
                (commits, claims, documents)
            );
        }
        match outcome {
            Ok(()) => {}
            Err((error, under_way)) if is_crash(&error) => {
                if let Some(call) = world.fs.crashed_in() {
                    world.tally.one(format!("crash in {call:?}"));
                }
                world.restart(under_way);
            }
            Err((error, _)) => panic!("{error}"),
        }
    }
    world.tally.disk(&world.fs);
    world.tally
}

#[test]
fn two_connections_do_no_harm_to_each_other() {
    let Some(tally) = run_seeds("shared", SEEDS, run) else { return };
    if !cfg!(target_os = "wasi") {
        tally.assert_at_least(&[
            ("two: writes", 5000),
            ("two: writes refused", 1000),
            ("two: read refused", 20),
            ("two: read by the loser", 1000),
            ("work: recoveries", 300),
            ("two: changes of keys", 500),
            ("two: changes of keys refused", 100),
        ]);
    }
}
