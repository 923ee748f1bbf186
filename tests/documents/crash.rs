//! After a crash at any point, with any of the unsynced writes lost or torn, documents and indexes are as some commit left
//! them, and no commit that was acknowledged is missing.

use crate::support::{Clock, assert_sound, find, open};
use ferrolite::fs::simulated::{Recovery, Simulated, SimulatedFile};
use ferrolite::{Database, Options, Range, Result, Transaction};
use std::collections::BTreeMap;

type State = BTreeMap<String, String>;

/// A small generator of numbers, so that a seed tells all.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        ((mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 33) % limit
    }

    fn key(&mut self) -> String {
        format!("key {}", self.below(30))
    }

    fn text(&mut self) -> String {
        format!("{{\"x\":{},\"padding\":\"{}\"}}", self.below(4), "p".repeat(self.below(400) as usize))
    }
}

/// Does something to the database, and to the state what that would make of it.
fn operate(numbers: &mut Numbers, db: &mut Database<SimulatedFile>, state: &mut State) -> Result<()> {
    match numbers.below(12) {
        0..6 => {
            let (key, text) = (numbers.key(), numbers.text());
            state.insert(key.clone(), text.clone());
            db.set_json(&key, &text).map(drop)
        }
        6 | 7 => {
            let key = numbers.key();
            state.remove(&key);
            db.delete(&key).map(drop)
        }
        8 => {
            let mut transaction = Transaction::new();
            for _ in 0..numbers.below(20) {
                let (key, text) = (numbers.key(), numbers.text());
                transaction = transaction.set_json(&key, &text)?;
                state.insert(key, text);
            }
            db.commit(transaction).map(drop)
        }
        9 => {
            let prefix = format!("key {}", numbers.below(3));
            state.retain(|key, _| !key.starts_with(&prefix));
            db.delete_range(&Range::prefix(prefix)).map(drop)
        }
        10 => db.create_index_step("x", 1 + numbers.below(20) as usize).map(drop),
        _ if numbers.below(4) == 0 => db.drop_index("x").map(drop),
        _ => db.maintain(8 << 10).map(drop),
    }
}

fn state_of(db: &Database<SimulatedFile>) -> State {
    db.entries_json(&Range::all()).unwrap().into_iter().collect()
}

fn run(seed: u64) {
    let mut numbers = Numbers(seed);
    let (fs, clock) = (Simulated::new(seed), Clock::new());
    let options = Options { memtable_size: 16 << 10, page_size: 512, ..Options::default() };
    let mut state = State::new();
    for _ in 0..3 {
        let mut db = open(&fs, &clock, options.clone()).unwrap();
        assert_eq!(state_of(&db), state, "seed {seed}");
        assert_sound(&db);
        let matching = state.iter().filter(|(_, text)| text.contains("\"x\":1,")).map(|(key, _)| key.clone());
        assert_eq!(find(&db, "x", "1"), matching.collect::<Vec<_>>(), "seed {seed}");
        fs.crash_after(1 + numbers.below(120));
        let after = loop {
            let mut after = state.clone();
            if operate(&mut numbers, &mut db, &mut after).is_err() {
                break after;
            }
            state = after;
        };
        drop(db);
        fs.restart(Recovery::Random);
        // What was not acknowledged may have been kept, whole.
        let db = open(&fs, &clock, options.clone()).unwrap();
        let found = state_of(&db);
        assert!(found == state || found == after, "seed {seed}");
        state = found;
    }
}

#[test]
fn every_crash_leaves_whole_commits() {
    for seed in 0..300 {
        run(seed);
    }
}
