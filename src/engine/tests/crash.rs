//! The engine on a disk that fails: after any crash the state is that after a prefix of the commits, and the prefix
//! holds every commit that was acknowledged as durable, and of a group all commits or none.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use super::{Random, TestEnvironment, small_options};
use crate::crypto::{Cipher, Encryption, nonces};
use crate::engine::batch::Batch;
use crate::engine::engine::Engine;
use crate::engine::entry::Seq;
use crate::engine::error::Error;
use crate::engine::numbering::SKIPPED;
use crate::engine::options::{Durability, Options};
use crate::engine::read::KeyRange;
use crate::engine::upkeep::rotation::RotateProgress;
use crate::fs::simulated::{Recovery, Simulated, SimulatedFile};
use crate::page::KeyError;

type State = BTreeMap<Vec<u8>, Vec<u8>>;
type Change = (Vec<u8>, Option<Vec<u8>>);

pub struct World {
    pub files: Simulated,
    options: Options,
    environment: TestEnvironment,
    /// What may open the file: two keys after a change whose end is not known; none when it is plain.
    keys: Vec<Encryption>,
    next_key: u8,
    /// The changes of each commit.
    commits: BTreeMap<Seq, Vec<Change>>,
    /// Those behind which their group goes on.
    within_groups: BTreeSet<Seq>,
    /// The newest commit that was acknowledged as durable.
    pub durable: Seq,
}

impl World {
    pub fn new(seed: u64, durability: Durability) -> Self {
        let options = Options { durability, ..small_options() };
        let environment = TestEnvironment::default();
        // The same randomness once more: the same keys.
        nonces::forget();
        let cipher = [None, Some(Cipher::Aes256Gcm), Some(Cipher::ChaCha20Poly1305)][seed as usize % 3];
        let keys = cipher.map(|cipher| Encryption::key([1; 32]).with_cipher(cipher)).into_iter().collect();
        let files = Simulated::new(seed);
        Self {
            files,
            options,
            environment,
            keys,
            next_key: 2,
            commits: BTreeMap::new(),
            within_groups: BTreeSet::new(),
            durable: 0,
        }
    }

    pub fn open(&mut self) -> crate::engine::error::Result<Engine<SimulatedFile>> {
        let open = |encryption| {
            let options = Options { encryption, ..self.options.clone() };
            pollster::block_on(Engine::open(&self.files, "db", options, Arc::new(self.environment.clone())))
        };
        let Some((last, others)) = self.keys.split_last() else { return open(None) };
        for key in others {
            match open(Some(key.clone())) {
                Err(Error::Key(KeyError::Wrong)) => {}
                outcome => return outcome,
            }
        }
        open(Some(last.clone()))
    }

    /// One random step. False when the disk has failed.
    pub fn step(&mut self, engine: &mut Engine<SimulatedFile>, random: &mut Random) -> bool {
        match random.below(22) {
            20 if !self.keys.is_empty() => self.change_keys(engine, random),
            0..14 | 20 => self.group(engine, random),
            21 => self.hot_group(engine, random),
            14 => engine.compact().is_ok(),
            15 => {
                let synced = engine.sync().is_ok();
                if synced {
                    self.durable = engine.last_seq();
                }
                synced
            }
            _ => (0..random.below(8)).all(|_| engine.maintain(1500).is_ok()),
        }
    }

    /// Lets another key open the file, or gives it a new data key, through to the end or not.
    fn change_keys(&mut self, engine: &mut Engine<SimulatedFile>, random: &mut Random) -> bool {
        if random.below(2) == 0 {
            let mut progress = RotateProgress::default();
            let steps = random.below(30);
            return (0..steps).all(|_| progress.is_done() || engine.rotate_step(&mut progress, 1500).is_ok());
        }
        let next = Encryption::key([self.next_key; 32]);
        self.next_key += 1;
        let changed = engine.change_key(&next).is_ok();
        if changed {
            self.keys.clear();
        }
        self.keys.push(next);
        changed
    }

    /// Writes one key again and again. The log stays short.
    fn hot_group(&mut self, engine: &mut Engine<SimulatedFile>, random: &mut Random) -> bool {
        let key = b"\0\0\0\x01\0\0\0\0key007".to_vec();
        let mut last = None;
        for _ in 0..random.below(200) {
            let value = vec![random.below(256) as u8; 700];
            let mut batch = Batch::new();
            batch.put(key.clone(), value.clone(), None);
            let Ok(seq) = engine.append(batch) else { return false };
            self.commits.split_off(&seq);
            self.commits.insert(seq, vec![(key.clone(), Some(value))]);
            self.within_groups.split_off(&seq);
            self.within_groups.extend(last.replace(seq));
        }
        let finished = engine.finish_group(self.options.durability).is_ok();
        if finished && self.options.durability == Durability::Always {
            self.durable = engine.last_seq();
        }
        let log = engine.statistics().log_bytes;
        assert!(log <= 2 << 20, "the log has {log} bytes");
        finished
    }

    fn group(&mut self, engine: &mut Engine<SimulatedFile>, random: &mut Random) -> bool {
        let mut last = None;
        for _ in 0..=random.below(3) {
            let mut batch = Batch::new();
            let mut changes = Vec::new();
            let large = random.below(40) == 0;
            for _ in 0..=random.below(if large { 200 } else { 6 }) {
                let key = format!("\0\0\0\x01\0\0\0\0key{:03}", random.below(300)).into_bytes();
                if random.below(3) == 0 {
                    batch.delete(key.clone());
                    changes.push((key, None));
                } else {
                    let value = vec![random.below(256) as u8; random.below(400) as usize];
                    batch.put(key.clone(), value.clone(), None);
                    changes.push((key, Some(value)));
                }
            }
            let Ok(seq) = engine.append(batch) else { return false };
            self.commits.split_off(&seq);
            self.commits.insert(seq, changes);
            self.within_groups.split_off(&seq);
            self.within_groups.extend(last.replace(seq));
        }
        let finished = engine.finish_group(self.options.durability).is_ok();
        if finished && self.options.durability == Durability::Always {
            self.durable = engine.last_seq();
        }
        finished
    }

    fn state_after(&self, seq: Seq) -> State {
        let mut state = State::new();
        for (key, value) in self.commits.range(..=seq).flat_map(|(_, changes)| changes) {
            match value {
                Some(value) => state.insert(key.clone(), value.clone()),
                None => state.remove(key),
            };
        }
        state
    }

    /// Checks the state after a crash, and takes what was lost as never having been.
    pub fn verify(&mut self, engine: &Engine<SimulatedFile>) {
        let last = engine.last_seq();
        assert!(last >= self.durable, "commit {} was durable, the newest is {last}", self.durable);
        // A session may have left numbers out and committed nothing.
        let commit = self.commits.range(..=last).next_back().map_or(0, |(&commit, _)| commit);
        assert!((last - commit).is_multiple_of(SKIPPED), "commit {last} was never made");
        assert!(!self.within_groups.contains(&commit), "commit {commit} is there without the rest of its group");
        self.compare(engine, "after a crash");
        assert_eq!(engine.check(true).unwrap().problems, Vec::<String>::new());
        self.forget_after(last);
        self.durable = last;
    }

    /// Takes what was not acknowledged as never having been.
    pub fn forget_after(&mut self, last: Seq) {
        self.commits.split_off(&(last + 1));
        self.within_groups.split_off(&last);
    }

    /// Compares everything the engine holds with the commits it says it has.
    pub fn compare(&self, engine: &Engine<SimulatedFile>, context: &str) {
        let last = engine.last_seq();
        let all = KeyRange { start: Bound::Included(vec![0; 8]), end: Bound::Excluded(vec![0, 0, 0, 2, 0, 0, 0, 0]) };
        let range = KeyRange { start: Bound::Included(b"\0\0\0\x01\0\0\0\0".to_vec()), ..all };
        // A read may fail; it may not be wrong.
        let Ok(mut cursor) = engine.scan(range, false, last, 0) else { return };
        let mut found = State::new();
        loop {
            match cursor.next() {
                Ok(Some((key, entry))) => drop(found.insert(key, entry.value.to_vec())),
                Ok(None) => break,
                Err(_) => return,
            }
        }
        assert!(found == self.state_after(last), "{context}: the state is not that after commit {last}");
    }
}

fn run(seed: u64) {
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let durability = if random.below(3) == 0 { Durability::Never } else { Durability::Always };
    let mut world = World::new(seed, durability);
    for _ in 0..12 {
        world.files.crash_after(1 + random.below(120));
        if let Ok(mut engine) = world.open() {
            let steps = random.below(100);
            let alive = (0..steps).all(|_| world.step(&mut engine, &mut random));
            if alive && random.below(2) == 0 {
                let last = engine.last_seq();
                if engine.close().is_ok() {
                    world.durable = last;
                }
            }
        }
        world.files.restart(if random.below(8) == 0 { Recovery::LoseAll } else { Recovery::Random });
        // Now and then recovery is cut short, again and again.
        for _ in 0..random.below(3) {
            world.files.crash_after(1 + random.below(6));
            if let Ok(mut engine) = world.open() {
                world.forget_after(engine.last_seq());
                world.group(&mut engine, &mut random);
            }
            world.files.restart(Recovery::Random);
        }
        let engine = world.open().unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        world.verify(&engine);
    }
}

#[test]
fn a_crash_leaves_a_prefix_of_the_commits() {
    let first = std::env::var("FERROLITE_SEED").ok().and_then(|seed| seed.parse().ok());
    let last = if cfg!(target_os = "wasi") { 500 } else { 2000 };
    let seeds = first.map_or(1..=last, |seed| seed..=seed);
    for seed in seeds {
        let outcome = std::panic::catch_unwind(|| run(seed));
        assert!(outcome.is_ok(), "replay with FERROLITE_SEED={seed}");
    }
}
