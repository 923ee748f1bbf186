//! Each call of the host failing in turn, once and for good, over a workload of several sessions. What failed was reported
//! and left the database as it was, and it goes on; or the database closed itself to writes, and reopens with all that was
//! acknowledged as durable. After a failed flush nothing is acknowledged any more.

use crate::support::{Clock, assert_sound, find, open_by_any};
use ferrolite::fs::simulated::{Fault, Operation, Recovery, Simulated, SimulatedFile};
use ferrolite::{Cipher, Database, Durability, Encryption, ErrorCode, Options, Range, Result, Transaction};
use std::collections::BTreeMap;

type State = BTreeMap<String, String>;

const SESSIONS: usize = 3;
const STEPS: usize = 22;
const FAULTS: [Fault; 4] = [Fault::Io, Fault::StorageFull, Fault::ShortRead, Fault::ShortWrite];
const CALLS: [Operation; 6] =
    [Operation::Open, Operation::Len, Operation::Read, Operation::Write, Operation::Truncate, Operation::Sync];

struct Run {
    fs: Simulated,
    clock: Clock,
    durability: Durability,
    /// What may open the file: nothing but one key, unless a change has failed; none when it is plain.
    keys: Vec<Encryption>,
    /// What the open database answers.
    state: State,
    /// What may be there after a power loss: the last state that is durable, and all after it.
    possible: Vec<State>,
}

fn secret(number: usize) -> Encryption {
    Encryption::key([number as u8 + 1; 32])
}

fn json(number: usize) -> String {
    format!("{{\"x\":{},\"p\":\"{}\"}}", number % 5, "padding".repeat(number % 7 * 30))
}

impl Run {
    fn new(durability: Durability, cipher: Option<Cipher>) -> Self {
        let (fs, clock, state) = (Simulated::new(1), Clock::new(), State::new());
        let keys = cipher.map(|cipher| secret(0).with_cipher(cipher)).into_iter().collect();
        Self { fs, clock, durability, keys, possible: vec![state.clone()], state }
    }

    fn open(&self) -> Result<Database<SimulatedFile>> {
        let durability = self.durability;
        let options =
            Options { memtable_size: 16 << 10, page_size: 512, cache_size: 4096, durability, ..Options::default() };
        open_by_any(&self.fs, &self.clock, &options, &self.keys)
    }

    /// In an encrypted database two of the steps are about keys.
    fn is_change_of_key(&self, number: usize) -> bool {
        !self.keys.is_empty() && number % 11 == 9
    }

    /// What may open the file after a step.
    fn note_key(&mut self, number: usize, is_done: bool) {
        if self.is_change_of_key(number) {
            if is_done {
                self.keys.clear();
            }
            self.keys.push(secret(number));
        }
    }

    /// What a step does to the documents.
    fn after(&self, number: usize) -> State {
        let mut state = self.state.clone();
        let key = format!("k{}", number * 7 % 23);
        match number % 11 {
            0..5 => drop(state.insert(key, json(number))),
            5 => drop(state.remove(&key)),
            6 => {
                for part in 0..12 {
                    state.insert(format!("k{part}"), json(number + part));
                }
                state.remove("k20");
            }
            _ => {}
        }
        state
    }

    fn step(&self, db: &mut Database<SimulatedFile>, number: usize) -> Result<()> {
        let key = format!("k{}", number * 7 % 23);
        match number % 11 {
            0..5 => db.set_json(&key, &json(number)).map(drop),
            5 => db.delete(&key).map(drop),
            6 => {
                let transaction = (0..12).try_fold(Transaction::new(), |transaction, part| {
                    transaction.set_json(&format!("k{part}"), &json(number + part))
                })?;
                db.commit(transaction.delete("k20")?).map(drop)
            }
            7 if number.is_multiple_of(2) => db.create_index("x").map(drop),
            7 => db.drop_index("x").map(drop),
            8 => db.flush(),
            9 if !self.keys.is_empty() => db.change_key(&secret(number)),
            10 if !self.keys.is_empty() => db.rotate_key(),
            9 => db.maintain(64 << 10).map(drop),
            _ => db.compact(),
        }
    }

    fn make_durable(&mut self) {
        self.possible = vec![self.state.clone()];
    }

    /// A session. False when the database has closed itself to writes.
    fn session(&mut self, session: usize, context: &str) -> Result<bool> {
        let mut db = self.open()?;
        let mut synced_at_failure = None;
        for number in session * STEPS..(session + 1) * STEPS {
            let after = self.after(number);
            let is_write = number % 11 < 7 && after != self.state;
            let outcome = self.step(&mut db, number);
            self.note_key(number, outcome.is_ok());
            if let Some(synced) = synced_at_failure {
                assert!(
                    outcome.is_err() || !self.is_change_of_key(number),
                    "{context}: step {number}, a change of key"
                );
                assert!(outcome.is_err() || !is_write, "{context}: step {number} is acknowledged after a failed flush");
                assert_eq!(db.stats().engine.synced_seq, synced, "{context}: step {number}");
                assert_eq!(db.flush().map_err(|error| error.code()), Err(ErrorCode::Failed), "{context}");
            }
            match outcome {
                Ok(()) if is_write => {
                    self.state = after;
                    self.possible.push(self.state.clone());
                    if self.durability == Durability::Always {
                        self.make_durable();
                    }
                }
                Ok(()) if number % 11 == 8 => self.make_durable(),
                Ok(()) => {}
                Err(error) => {
                    let code = error.code();
                    let is_known = matches!(code, ErrorCode::Io | ErrorCode::StorageFull | ErrorCode::Failed);
                    assert!(is_known, "{context}: step {number}: {error}");
                    // It may be found later only if the flush failed, or more.
                    if is_write && db.stats().engine.failed.is_some() {
                        self.possible.push(after);
                    }
                }
            }
            if db.stats().engine.failed.is_some() && synced_at_failure.is_none() {
                synced_at_failure = Some(db.stats().engine.synced_seq);
            }
            self.compare(&db, context);
        }
        db.close()?;
        if synced_at_failure.is_none() {
            self.make_durable();
        }
        Ok(synced_at_failure.is_none())
    }

    /// Whoever has written last has settled what opens the file: one key does, and no other one.
    fn settle_keys(&mut self, context: &str) {
        let options = Options { read_only: true, ..Options::default() };
        let opens = |key: &Encryption| {
            let outcome = open_by_any(&self.fs, &self.clock, &options, std::slice::from_ref(key));
            let code = outcome.err().map(|error| error.code());
            assert!(matches!(code, None | Some(ErrorCode::WrongKey)), "{context}: {code:?}");
            code.is_none()
        };
        let (keys, others): (Vec<_>, Vec<_>) = self.keys.drain(..).partition(opens);
        assert!(keys.len() == 1 || (keys.is_empty() && others.is_empty()), "{context}: {} keys open it", keys.len());
        self.keys = keys;
    }

    /// What can be read is as it was acknowledged.
    fn compare(&self, db: &Database<SimulatedFile>, context: &str) {
        match db.entries_json(&Range::all()) {
            Ok(found) => assert!(found.into_iter().collect::<State>() == self.state, "{context}: a wrong answer"),
            Err(error) => assert_eq!(error.code(), ErrorCode::Io, "{context}: {error}"),
        }
    }

    /// The fault is gone, and the power is lost or only the process ends: everything works again.
    fn recover(&mut self, recovery: Recovery, context: &str) {
        self.fs.clear_faults();
        self.fs.restart(recovery);
        let mut db = self.open().unwrap_or_else(|error| panic!("{context}: {error}"));
        let found: State = db.entries_json(&Range::all()).unwrap().into_iter().collect();
        assert!(self.possible.contains(&found), "{context}: {} documents are none of what was there", found.len());
        assert_sound(&db);
        let ones = found.iter().filter(|(_, json)| json.contains("\"x\":1,")).map(|(key, _)| key.clone());
        assert_eq!(find(&db, "x", "1"), ones.collect::<Vec<_>>(), "{context}");
        db.set_json("k1", "1").unwrap_or_else(|error| panic!("{context}: {error}"));
        db.flush().unwrap_or_else(|error| panic!("{context}: {error}"));
        drop(db);
        self.settle_keys(context);
        self.state = found;
        self.state.insert("k1".to_owned(), "1".to_owned());
        self.make_durable();
    }
}

/// Runs the workload with a fault in one call. False when it had fewer calls.
fn run(
    durability: Durability,
    cipher: Option<Cipher>,
    call: Option<Operation>,
    number: u64,
    fault: Fault,
    is_persistent: bool,
) -> bool {
    let context =
        format!("{fault:?} in call {number} of {call:?}, persistent {is_persistent}, {durability:?}, {cipher:?}");
    let mut run = Run::new(durability, cipher);
    run.fs.reseed(number);
    run.fs.fail_call(call, number, fault, is_persistent);
    let mut session = 0;
    while session < SESSIONS {
        let is_well = run.session(session, &context).unwrap_or(false);
        session += 1;
        // The next session finds what the host has, with the fault still there; or the power fails.
        if !is_well && (number.is_multiple_of(2) || is_persistent) {
            let recoveries = [Recovery::KeepAll, Recovery::LoseAll, Recovery::Random];
            run.recover(recoveries[number as usize % 3], &context);
        } else if !is_well {
            run.recover(Recovery::KeepAll, &context);
        }
    }
    let fired = run.fs.faults_fired() > 0;
    run.recover(Recovery::LoseAll, &context);
    fired
}

fn sweep(
    durability: Durability,
    cipher: Option<Cipher>,
    call: Option<Operation>,
    fault: Fault,
    is_persistent: bool,
) -> u64 {
    let every = match (std::env::var_os("FERROLITE_TORTURE"), cfg!(target_os = "wasi")) {
        (Some(_), _) => 1,
        (None, false) if cipher.is_some() => 37,
        (None, false) => 7,
        (None, true) if cipher.is_some() => 211,
        (None, true) => 41,
    };
    let (mut number, mut fired) = (1, 0);
    while run(durability, cipher, call, number, fault, is_persistent) {
        fired += 1;
        number += every;
    }
    fired
}

#[test]
fn every_fault_in_every_call() {
    let mut fired = 0;
    for fault in FAULTS {
        for durability in [Durability::Always, Durability::Never] {
            fired += sweep(durability, None, None, fault, false);
            fired += sweep(durability, None, None, fault, true);
            if fault == Fault::Io {
                fired += CALLS.map(|call| sweep(durability, None, Some(call), fault, true)).iter().sum::<u64>();
            }
        }
    }
    assert!(fired > if cfg!(target_os = "wasi") { 50 } else { 400 }, "{fired} faults");
    if std::env::var_os("FERROLITE_TORTURE").is_some() {
        println!("torture\tevery fault\tfaults\t{fired}");
        println!("torture\tevery fault\tfailures\t0");
    }
}

#[test]
fn every_fault_in_every_call_of_an_encrypted_database() {
    let mut fired = 0;
    for (cipher, is_persistent) in [(Cipher::Aes256Gcm, false), (Cipher::ChaCha20Poly1305, true)] {
        for fault in FAULTS {
            fired += sweep(Durability::Always, Some(cipher), None, fault, is_persistent);
        }
        fired +=
            CALLS.map(|call| sweep(Durability::Always, Some(cipher), Some(call), Fault::Io, true)).iter().sum::<u64>();
    }
    assert!(fired > if cfg!(target_os = "wasi") { 20 } else { 90 }, "{fired} faults");
    if std::env::var_os("FERROLITE_TORTURE").is_some() {
        println!("torture\tevery fault, encrypted\tfaults\t{fired}");
        println!("torture\tevery fault, encrypted\tfailures\t0");
    }
}

#[test]
fn after_each_failed_flush_nothing_is_acknowledged() {
    for durability in [Durability::Always, Durability::Never] {
        let mut number = 1;
        while run(durability, None, Some(Operation::Sync), number, Fault::Io, false) {
            number += 1;
        }
        assert!(number > 15, "{durability:?}: there were {number} flushes");
    }
}
