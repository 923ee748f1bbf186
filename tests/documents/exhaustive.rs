//! Every workload of up to three operations, crashed at every call that changes the disk, with every outcome of the
//! writes that were not synced. What was acknowledged is there, what was under way is there or not, nothing else.

use crate::support::{Clock, assert_sound, find, open_by_any};
use ferrolite::fs::simulated::{Recovery, Simulated, SimulatedFile};
use ferrolite::{Cipher, Database, Encryption, Error, Options, Range, RotateProgress, Transaction};
use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Debug, Clone, Copy)]
enum Step {
    Set,
    Overwrite,
    Delete,
    Batch,
    CreateIndex,
    Flush,
    Compact,
    Expire,
    Reopen,
    /// Another key opens the file.
    ChangeKey,
    /// It gets another data key, and all is sealed with that.
    RotateKey,
    /// The same, but it ends in the middle.
    BeginRotation,
}

const STEPS: [Step; 9] = [
    Step::Set,
    Step::Overwrite,
    Step::Delete,
    Step::Batch,
    Step::CreateIndex,
    Step::Flush,
    Step::Compact,
    Step::Expire,
    Step::Reopen,
];

/// What encrypted databases are put through.
const STEPS_ENCRYPTED: [Step; 5] = [Step::ChangeKey, Step::RotateKey, Step::BeginRotation, Step::Batch, Step::Reopen];

/// Up to so many unsynced changes every subset of them is tried; beyond, all, none, and some at random.
const SUBSETS_UP_TO: usize = 4;
/// The same in the long form, and how many outcomes are tried beyond.
const SUBSETS_UP_TO_LONG: usize = 8;
const SAMPLES_LONG: usize = 64;
/// Workloads of up to so many operations are crashed a second time, while they recover.
const RECOVERY_CRASHES_UP_TO: usize = if cfg!(target_os = "wasi") { 1 } else { 2 };
/// Operations of the longest workloads. Under wasmtime, where the same code runs several times slower, fewer.
const STEPS_UP_TO: u32 = if cfg!(target_os = "wasi") { 2 } else { 3 };
const OUTCOMES_AT_LEAST: u64 = if cfg!(target_os = "wasi") { 2_000 } else { 50_000 };
const LIFETIME: Duration = Duration::from_secs(1);

type State = BTreeMap<String, String>;

struct Run {
    fs: Simulated,
    clock: Clock,
    db: Option<Database<SimulatedFile>>,
    /// The documents that were acknowledged.
    state: State,
    indexed: bool,
    /// What may open the file: one key, or two while one is changed; none when it is plain.
    keys: Vec<Encryption>,
    /// How often the key was changed.
    changes: u8,
}

impl Run {
    fn new(cipher: Option<Cipher>) -> Self {
        let (fs, clock) = (Simulated::new(1), Clock::new());
        let keys = cipher.map(|cipher| Encryption::key([1; 32]).with_cipher(cipher)).into_iter().collect();
        Self { fs, clock, db: None, state: State::new(), indexed: false, keys, changes: 0 }
    }

    fn open(&mut self) -> Result<(), Error> {
        let options = Options { memtable_size: 16 << 10, page_size: 512, ..Options::default() };
        self.db = Some(open_by_any(&self.fs, &self.clock, &options, &self.keys)?);
        Ok(())
    }

    /// Does a step. The state is that after it when it is acknowledged.
    fn step(&mut self, step: Step) -> Result<(), Error> {
        let Some(db) = &mut self.db else { return self.open() };
        let after = state_after(&self.state, step);
        match step {
            Step::Set => drop(db.set_json("a", r#"{"x":1}"#)?),
            Step::Overwrite => drop(db.set_json("a", r#"{"x":2}"#)?),
            Step::Delete => drop(db.delete("a")?),
            Step::Batch => {
                let tx = Transaction::new().set_json("b", r#"{"x":1}"#)?.delete("a")?.set_json("c", r#"{"x":3}"#)?;
                db.commit(tx)?;
            }
            Step::CreateIndex => {
                db.create_index("x")?;
                self.indexed = true;
            }
            Step::Flush => db.flush()?,
            Step::Compact => db.compact()?,
            Step::Expire => {
                db.set_ex_json("a", r#"{"x":4}"#, LIFETIME)?;
                self.clock.advance_ms(LIFETIME.as_millis() as u64);
            }
            Step::ChangeKey => {
                self.changes += 1;
                let next = Encryption::key([1 + self.changes; 32]);
                self.keys.push(next.clone());
                db.change_key(&next)?;
                self.keys = vec![next];
            }
            Step::RotateKey => db.rotate_key()?,
            Step::BeginRotation => {
                let mut progress = RotateProgress::default();
                (0..3).try_for_each(|_| db.rotate_key_step(&mut progress, 1))?;
            }
            Step::Reopen => {
                self.db.take().map_or(Ok(()), Database::close)?;
                self.open()?;
            }
        }
        self.state = after;
        Ok(())
    }
}

fn state_after(state: &State, step: Step) -> State {
    let mut state = state.clone();
    let mut set = |key: &str, x: u32| drop(state.insert(key.to_owned(), format!(r#"{{"x":{x}}}"#)));
    match step {
        Step::Set => set("a", 1),
        Step::Overwrite => set("a", 2),
        Step::Batch => {
            set("b", 1);
            set("c", 3);
            state.remove("a");
        }
        // The document has expired when the step is over.
        Step::Delete | Step::Expire => drop(state.remove("a")),
        Step::CreateIndex | Step::Flush | Step::Compact | Step::Reopen => {}
        Step::ChangeKey | Step::RotateKey | Step::BeginRotation => {}
    }
    state
}

/// Opens what a crash has left, and compares it.
fn verify(fs: &Simulated, clock: &Clock, run: &Run, under_way: Option<Step>, context: &str) {
    let opened = open_by_any(fs, clock, &Options::default(), &run.keys);
    let mut db = opened.unwrap_or_else(|error| panic!("{context}: {error}"));
    let found: State = db.entries_json(&Range::all()).unwrap().into_iter().collect();
    let mut allowed = vec![run.state.clone()];
    allowed.extend(under_way.map(|step| state_after(&run.state, step)));
    if matches!(under_way, Some(Step::Expire)) {
        // The crash came before the clock moved on: the document may be there.
        let mut alive = run.state.clone();
        alive.insert("a".to_owned(), r#"{"x":4}"#.to_owned());
        allowed.push(alive);
    }
    assert!(allowed.contains(&found), "{context}: found {found:?}, allowed {allowed:?}");
    let is_indexed = db.indexes().iter().any(|index| index.path == "x");
    assert!(is_indexed || !run.indexed, "{context}: the index is gone");
    assert_sound(&db);
    let with_one: Vec<_> = found.iter().filter(|(_, json)| json.contains(":1}")).map(|(key, _)| key.clone()).collect();
    assert_eq!(find(&db, "x", "1"), with_one, "{context}");
    db.set_json("after", r#"{"x":1}"#).unwrap_or_else(|error| panic!("{context}: {error}"));
    assert_eq!(db.count(&Range::all()).unwrap(), found.len() as u64 + 1, "{context}");
    assert_sound(&db);
}

/// Crashes the workload at one call, and tries the outcomes. False when it came to its end before.
fn crash_at(steps: &[Step], cipher: Option<Cipher>, call: u64, tried: &mut u64) -> bool {
    let mut run = Run::new(cipher);
    run.fs.crash_after(call);
    let mut under_way = None;
    let opened = run.open();
    if opened.is_ok() {
        under_way = steps.iter().copied().find(|&step| run.step(step).is_err());
    }
    let crashed = opened.is_err() || under_way.is_some();
    run.db = None;
    if !crashed {
        run.fs.crash_now();
    }
    let unsynced = run.fs.unsynced();
    for (index, outcome) in outcomes(unsynced).into_iter().enumerate() {
        let fs = run.fs.fork();
        fs.reseed(call * 1000 + index as u64);
        fs.restart(outcome);
        let context = format!("{steps:?}, {cipher:?}, call {call}, {outcome:?} of {unsynced}");
        verify(&fs, &run.clock, &run, under_way, &context);
        *tried += 1;
        // A quarter of the outcomes of short workloads: the others differ in little.
        if steps.len() <= RECOVERY_CRASHES_UP_TO && (is_long() || index % 4 == 0) {
            let fs = run.fs.fork();
            fs.reseed(call * 1000 + index as u64);
            fs.restart(outcome);
            *tried += crash_in_recovery(&fs, &run, under_way, &context);
        }
    }
    crashed
}

/// Opens what a crash has left, and crashes again at every call of the recovery and of the first write.
fn crash_in_recovery(fs: &Simulated, run: &Run, under_way: Option<Step>, context: &str) -> u64 {
    let mut tried = 0;
    for call in 1.. {
        let again = fs.fork();
        again.crash_after(call);
        // Whatever is written changes no document: what may be found afterwards is the same.
        let recovered = open_by_any(&again, &run.clock, &Options::default(), &run.keys).and_then(|mut db| {
            db.create_index("y")?;
            db.close()
        });
        if recovered.is_ok() {
            return tried;
        }
        for outcome in [Recovery::LoseAll, Recovery::KeepAll, Recovery::Random] {
            let again = again.fork();
            again.restart(outcome);
            verify(&again, &run.clock, run, under_way, &format!("{context}, then call {call}, {outcome:?}"));
            tried += 1;
        }
    }
    tried
}

fn is_long() -> bool {
    std::env::var_os("FERROLITE_TORTURE").is_some()
}

fn outcomes(unsynced: usize) -> Vec<Recovery> {
    let (subsets_up_to, samples) = if is_long() { (SUBSETS_UP_TO_LONG, SAMPLES_LONG) } else { (SUBSETS_UP_TO, 2) };
    if unsynced <= subsets_up_to {
        return (0..1 << unsynced).map(Recovery::Keep).collect();
    }
    let mut outcomes = vec![Recovery::LoseAll, Recovery::KeepAll];
    outcomes.extend(std::iter::repeat_n(Recovery::Random, samples));
    outcomes
}

/// All workloads of up to so many of some steps.
fn workloads(steps: &[Step], steps_up_to: u32) -> Vec<Vec<Step>> {
    let mut workloads: Vec<Vec<Step>> = vec![Vec::new()];
    let mut longest = workloads.clone();
    for _ in 0..steps_up_to {
        longest = longest
            .iter()
            .flat_map(|before| steps.iter().map(|step| [&before[..], &[*step]].concat()).collect::<Vec<_>>())
            .collect();
        workloads.extend(longest.iter().cloned());
    }
    workloads
}

#[test]
fn any_crash_of_any_short_workload_on_an_encrypted_database() {
    let (mut tried, mut points) = (0, 0);
    let ciphers = [Cipher::Aes256Gcm, Cipher::ChaCha20Poly1305];
    let steps_up_to = if is_long() { 3 } else { 2 };
    let workloads = workloads(&STEPS_ENCRYPTED, steps_up_to);
    for (index, steps) in workloads.iter().enumerate() {
        // The short form takes every other call, of neighbouring workloads in turn.
        let mut call = if is_long() { 1 } else { 1 + index as u64 % 2 };
        while crash_at(steps, Some(ciphers[index % 2]), call, &mut tried) {
            call += if is_long() {
                1
            } else if cfg!(target_os = "wasi") {
                7
            } else {
                2
            };
            points += 1;
        }
    }
    assert!(tried > OUTCOMES_AT_LEAST / 10, "{} workloads, {tried} outcomes", workloads.len());
    if is_long() {
        println!("torture\texhaustive crashes, encrypted\tworkloads\t{}", workloads.len());
        println!("torture\texhaustive crashes, encrypted\tcrash points\t{points}");
        println!("torture\texhaustive crashes, encrypted\toutcomes\t{tried}");
        println!("torture\texhaustive crashes, encrypted\tfailures\t0");
    }
}

#[test]
fn any_crash_of_any_short_workload_leaves_what_was_acknowledged() {
    let workloads = workloads(&STEPS, STEPS_UP_TO);
    let (mut tried, mut points) = (0, 0);
    for steps in &workloads {
        let mut call = 1;
        while crash_at(steps, None, call, &mut tried) {
            call += 1;
            points += 1;
        }
    }
    let count: usize = (0..=STEPS_UP_TO).map(|len| STEPS.len().pow(len)).sum();
    assert!(workloads.len() == count && tried > OUTCOMES_AT_LEAST, "{} workloads, {tried} outcomes", workloads.len());
    if is_long() {
        println!("torture\texhaustive crashes\tworkloads\t{}", workloads.len());
        println!("torture\texhaustive crashes\tcrash points\t{points}");
        println!("torture\texhaustive crashes\toutcomes\t{tried}");
        println!("torture\texhaustive crashes\tfailures\t0");
    }
}
