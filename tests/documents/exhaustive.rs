//! Every workload of up to three operations, crashed at every call that changes the disk, with every outcome of the
//! writes that were not synced. What was acknowledged is there, what was under way is there or not, nothing else.

use crate::support::{Clock, assert_sound, find, open};
use ferrolite::fs::simulated::{Recovery, Simulated, SimulatedFile};
use ferrolite::{Database, Error, Options, Range, Transaction};
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

/// Up to so many unsynced changes every subset of them is tried; beyond, all, none, and some at random.
const SUBSETS_UP_TO: usize = 4;
const LIFETIME: Duration = Duration::from_secs(1);

type State = BTreeMap<String, String>;

struct Run {
    fs: Simulated,
    clock: Clock,
    db: Option<Database<SimulatedFile>>,
    /// The documents that were acknowledged.
    state: State,
    indexed: bool,
}

impl Run {
    fn new() -> Self {
        let (fs, clock) = (Simulated::new(1), Clock::new());
        Self { fs, clock, db: None, state: State::new(), indexed: false }
    }

    fn open(&mut self) -> Result<(), Error> {
        let options = Options { memtable_size: 16 << 10, page_size: 512, ..Options::default() };
        self.db = Some(open(&self.fs, &self.clock, options)?);
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
    }
    state
}

/// Opens what a crash has left, and compares it.
fn verify(fs: &Simulated, clock: &Clock, run: &Run, under_way: Option<Step>, context: &str) {
    let mut db = open(fs, clock, Options::default()).unwrap_or_else(|error| panic!("{context}: {error}"));
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
fn crash_at(steps: &[Step], call: u64, tried: &mut u64) -> bool {
    let mut run = Run::new();
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
    let outcomes: Vec<_> = if unsynced <= SUBSETS_UP_TO {
        (0..1 << unsynced).map(Recovery::Keep).collect()
    } else {
        vec![Recovery::LoseAll, Recovery::KeepAll, Recovery::Random, Recovery::Random]
    };
    for (index, outcome) in outcomes.into_iter().enumerate() {
        let fs = run.fs.fork();
        fs.reseed(call * 1000 + index as u64);
        fs.restart(outcome);
        let context = format!("{steps:?}, call {call}, {outcome:?} of {unsynced}");
        verify(&fs, &run.clock, &run, under_way, &context);
        *tried += 1;
    }
    crashed
}

#[test]
fn any_crash_of_any_short_workload_leaves_what_was_acknowledged() {
    let mut workloads: Vec<Vec<Step>> = vec![Vec::new()];
    let mut longest = workloads.clone();
    for _ in 0..3 {
        longest = longest.iter().flat_map(|steps| STEPS.map(|step| [&steps[..], &[step]].concat())).collect();
        workloads.extend(longest.iter().cloned());
    }
    let mut tried = 0;
    for steps in &workloads {
        let mut call = 1;
        while crash_at(steps, call, &mut tried) {
            call += 1;
        }
    }
    assert!(workloads.len() == 1 + 9 + 81 + 729 && tried > 50_000, "{} workloads, {tried} outcomes", workloads.len());
}
