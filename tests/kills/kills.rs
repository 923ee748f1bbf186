//! A worker is killed over and over, at any moment, and each time the next one goes on with the same file.
//!
//! A kill is the end of a process, not of the machine: what it has handed to the host is kept, whether it was flushed or
//! not. What a power cut does is the business of the simulated disks.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use ferrolite::fs::{Std, StdFile};
use ferrolite::{Condition, Database, ErrorCode, FindOptions, Options, Range};

use crate::database::{self, NAME};
use crate::host::{self, Directory};
use crate::is_torture;
use crate::model::Model;
use crate::random::Random;
use crate::stream::{SHORT_TTL_MS, Step, step};

/// Databases that are worked on one after the other, each with other options, and the kills of each.
const DATABASES: u64 = 4;
const KILLS: u64 = 5;
const KILLS_TORTURE: u64 = 75;
/// Bytes of the largest commits in the log, and of what is not filled of its segments.
const LOG_SLACK: u64 = 2 << 20;
/// A worker that says nothing for so long hangs.
const SILENCE_MAX: Duration = Duration::from_secs(60);

type Db = Database<StdFile>;

/// What was seen.
#[derive(Debug, Default)]
struct Figures {
    kills: u64,
    /// Kills before the worker had opened the database.
    while_opening: u64,
    commits: u64,
    /// What was under way when the kill came, by the kind of step.
    under_way: BTreeMap<&'static str, u64>,
}

/// One life of a worker: what it said before it was killed.
struct Life {
    /// What it saw on opening; nothing when it did not come so far.
    opened: Option<String>,
    /// The last step that it acknowledged, with the database's version then.
    acknowledged: Option<(u64, u64)>,
}

/// A database, and what is known about it.
struct Killed {
    seed: u64,
    directory: Directory,
    random: Random,
    model: Model,
    /// The step that the next worker begins with.
    next: u64,
    version: u64,
    /// How long the last worker took until it had opened the database.
    opening: Duration,
}

#[test]
fn acknowledged_commits_survive_kills() {
    let kills = if is_torture() { KILLS_TORTURE } else { KILLS };
    let first = std::env::var("FERROLITE_SEED").map_or(0, |seed| seed.parse().unwrap());
    let mut figures = Figures::default();
    for seed in first..first + DATABASES {
        let mut killed = Killed::new(seed);
        for kill in 0..kills {
            let seen = killed.live_and_die(&mut figures);
            assert!(seen.is_ok(), "seed {seed}, kill {kill}: {}", seen.unwrap_err());
        }
    }
    assert_eq!(figures.kills, DATABASES * kills);
    if is_torture() {
        let part = format!("kills {}", host::name());
        for (what, number) in [
            ("kills", figures.kills),
            ("kills while opening", figures.while_opening),
            ("acknowledged commits checked", figures.commits),
        ] {
            println!("torture\t{part}\t{what}\t{number}");
        }
    }
    println!("{}: {figures:?}", host::name());
}

impl Killed {
    fn new(seed: u64) -> Self {
        let directory = Directory::new(&format!("kills-{}-{seed}", host::name()));
        let random = Random::new(seed ^ 0x6b69_6c6c);
        Self {
            seed,
            directory,
            random,
            model: Model::default(),
            next: 0,
            version: 0,
            opening: Duration::from_millis(5),
        }
    }

    /// Lets a worker work, kills it, and looks at what it has left.
    fn live_and_die(&mut self, figures: &mut Figures) -> Result<(), String> {
        let seen = self.look()?;
        let life = self.live()?;
        figures.kills += 1;
        match &life.opened {
            None => figures.while_opening += 1,
            Some(opened) if *opened != seen => return Err(format!("the worker saw {opened}, and not {seen}")),
            Some(_) => {}
        }
        if let Some((last, version)) = life.acknowledged {
            for number in self.next..=last {
                figures.commits += self.model.apply(&step(self.seed, number));
            }
            (self.next, self.version) = (last + 1, version);
        }
        let under_way = step(self.seed, self.next);
        if life.opened.is_some() {
            *figures.under_way.entry(kind(&under_way)).or_default() += 1;
        }
        thread::sleep(Duration::from_millis(SHORT_TTL_MS + 1));
        self.verify(&under_way)
    }

    /// What is there now, as the worker tells it on opening.
    fn look(&self) -> Result<String, String> {
        match self.open()? {
            Some(db) => database::digest(&db).map_err(told),
            None => Ok(NOTHING.to_owned()),
        }
    }

    /// A life of a worker, to a random moment: while it opens the database, or after some steps.
    fn live(&mut self) -> Result<Life, String> {
        let mut words = host::worker(&self.directory.0).into_iter();
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words).arg("work").arg(&self.directory.0).args([self.seed, self.next].map(|n| n.to_string()));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(|e| e.to_string())?;
        let (lines, said) = mpsc::channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        let reader = thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| lines.send(line)));
        let mut heard = Vec::new();
        let (wanted, pause) = self.moment();
        let started = Instant::now();
        let mut result = listen(&said, &mut heard, wanted.min(1));
        if wanted > 0 {
            self.opening = started.elapsed();
            result = result.and_then(|()| listen(&said, &mut heard, wanted - 1));
        }
        spin(pause);
        child.kill().map_err(|error| error.to_string())?;
        let output = child.wait_with_output().map_err(|error| error.to_string())?;
        heard.extend(said.iter());
        let _ = reader.join();
        if let Err(what) = result {
            return Err(format!("{what}: {}", String::from_utf8_lossy(&output.stderr)));
        }
        Ok(life_of(&heard))
    }

    /// When to kill: after so many lines, and so much later.
    fn moment(&mut self) -> (u64, Duration) {
        if self.random.chance(20) {
            return (0, Duration::from_micros(self.random.below(self.opening.as_micros() as u64)));
        }
        if self.random.chance(50) {
            // Into the next step of a kind that takes longer.
            let kind = self.random.pick(&["createIndex", "createIndex", "dropIndex", "compact", "batch"]);
            let from = self.next + self.random.below(100);
            let steps = (from..).take_while(|&number| self::kind(&step(self.seed, number)) != kind).count() as u64;
            return (from - self.next + steps + 1, Duration::from_micros(self.random.below(10_000)));
        }
        let steps = self.random.below(300);
        let pause_us = if self.random.chance(50) { self.random.below(500) } else { self.random.below(10_000) };
        (steps + 1, Duration::from_micros(pause_us))
    }

    /// The database, opened for reading; nothing when the kill came before it was made.
    fn open(&self) -> Result<Option<Db>, String> {
        let options = Options { read_only: true, create: false, ..database::options(self.seed) };
        match pollster::block_on(Database::open(&Std::new(&self.directory.0), NAME, options)) {
            Err(error) if self.next == 0 && error.code() == ErrorCode::NotFound => Ok(None),
            opened => opened.map(Some).map_err(told),
        }
    }

    /// The file opens, is whole, and has every acknowledged commit and of the step under way all or nothing.
    fn verify(&mut self, under_way: &Step) -> Result<(), String> {
        let Some(db) = self.open()? else { return Ok(()) };
        let report = db.check(true).map_err(told)?;
        if !report.is_ok() {
            return Err(format!("damage: {:?}", report.problems));
        }
        if db.version() < self.version {
            return Err(format!("version {} is before the acknowledged {}", db.version(), self.version));
        }
        let (log, memtable) = (db.stats().engine.log_bytes, database::options(self.seed).memtable_size as u64);
        if log > 8 * memtable.max(64 << 10) + LOG_SLACK {
            return Err(format!("the log has {log} bytes, of memtables of {memtable}"));
        }
        let mut documents = BTreeMap::new();
        for document in db.scan(&Range::all()).map_err(told)? {
            let document = document.map_err(told)?;
            documents.insert(document.key, (document.json, document.expires_at.is_some()));
        }
        // Every document has this in it.
        let file = std::fs::read(self.directory.0.join(NAME)).map_err(|error| error.to_string())?;
        let is_readable = file.windows(11).any(|text| text == b" ferrolite ");
        if is_readable && database::cipher(self.seed).is_some() {
            return Err("documents can be read in the file".to_owned());
        }
        let is_plain = database::cipher(self.seed).is_none() && self.seed.is_multiple_of(3);
        if is_plain && !is_readable && db.count(&Range::all()).map_err(told)? > 0 {
            return Err("documents cannot be read in a plain file".to_owned());
        }
        let states = self.model.states(under_way);
        let Some(reached) = states.iter().rposition(|state| state.documents == documents) else {
            return Err(self.difference(&documents, under_way));
        };
        self.model.documents = documents;
        self.verify_indexes(&db, under_way)?;
        // A step that is not wholly there is carried out again; so is one of which that cannot be told.
        if reached + 1 == states.len() && reached > 0 && states[reached].documents != states[0].documents {
            self.next += 1;
            self.model = Model { indexes: self.model.indexes.clone(), ..states[reached].clone() };
        }
        Ok(())
    }

    fn verify_indexes(&mut self, db: &Db, under_way: &Step) -> Result<(), String> {
        // The index that the step under way works on may be there or not; and one that was half built stays so until
        // the step is repeated, which is the next one.
        let open = match under_way {
            Step::CreateIndex { path } | Step::DropIndex { path } => Some(*path),
            _ => None,
        };
        let indexes = db.indexes();
        let ready: BTreeSet<_> = indexes.iter().filter(|index| index.ready).map(|index| index.path.as_str()).collect();
        for path in crate::stream::INDEX_PATHS {
            if Some(path) != open && ready.contains(path) != self.model.indexes.contains(path) {
                return Err(format!("the index on {path} is there: {}", ready.contains(path)));
            }
        }
        let condition = Condition::equals(&3).unwrap();
        let found = db.find("group", &condition, &FindOptions::default()).map_err(told)?;
        let right = self.model.documents.iter().filter(|(_, (json, _))| json.starts_with("{\"group\":3,"));
        if !found.iter().eq(right.map(|(key, _)| key)) {
            return Err("an index gives other keys".to_owned());
        }
        Ok(())
    }

    fn difference(&self, found: &BTreeMap<String, (String, bool)>, under_way: &Step) -> String {
        let expected = &self.model.documents;
        let lost: Vec<_> = expected.keys().filter(|key| !found.contains_key(*key)).take(5).collect();
        let invented: Vec<_> = found.keys().filter(|key| !expected.contains_key(*key)).take(5).collect();
        let other = |(key, stored): &(&String, &(String, bool))| found.get(*key).is_some_and(|found| found != *stored);
        let changed: Vec<_> = expected.iter().filter(other).map(|(key, _)| key).take(5).collect();
        let step = format!("{under_way:.0?}");
        let step: String = step.chars().take(300).collect();
        format!(
            "before step {}: lost {lost:?}, invented {invented:?}, changed {changed:?}; under way: {step}",
            self.next
        )
    }
}

/// What the worker says of a database that it has just made.
const NOTHING: &str = "0 documents, cbf29ce484222325";

fn told(error: ferrolite::Error) -> String {
    error.to_string()
}

/// Hears `wanted` lines.
fn listen(said: &mpsc::Receiver<String>, heard: &mut Vec<String>, wanted: u64) -> Result<(), String> {
    for _ in 0..wanted {
        match said.recv_timeout(SILENCE_MAX) {
            Ok(line) => heard.push(line),
            Err(RecvTimeoutError::Timeout) => return Err("the worker hangs".to_owned()),
            Err(RecvTimeoutError::Disconnected) => return Err("the worker has ended by itself".to_owned()),
        }
    }
    Ok(())
}

/// Waits to the microsecond.
fn spin(pause: Duration) {
    let end = Instant::now() + pause;
    thread::sleep(pause.saturating_sub(Duration::from_millis(1)));
    while Instant::now() < end {
        std::hint::spin_loop();
    }
}

fn life_of(heard: &[String]) -> Life {
    let mut life = Life { opened: None, acknowledged: None };
    for line in heard {
        match line.split_once(' ') {
            Some(("open", seen)) => life.opened = Some(seen.to_owned()),
            Some(("done", rest)) => {
                let (number, version) = rest.split_once(' ').expect("a step and a version");
                life.acknowledged = Some((number.parse().unwrap(), version.parse().unwrap()));
            }
            _ => panic!("the worker said {line:?}"),
        }
    }
    life
}

fn kind(step: &Step) -> &'static str {
    match step {
        Step::Set { .. } | Step::SetExpiring { .. } => "set",
        Step::Delete { .. } | Step::DeleteRange { .. } => "delete",
        Step::Transaction(_) | Step::Group(_) => "batch",
        Step::CreateIndex { .. } => "createIndex",
        Step::DropIndex { .. } => "dropIndex",
        Step::Compact | Step::Maintain => "compact",
        Step::RotateKey => "rotateKey",
    }
}
