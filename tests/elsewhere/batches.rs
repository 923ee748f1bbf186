//! A batch is whole or absent.

use crate::support::{Clock, assert_sound, open};
use ferrolite::fs::simulated::{Recovery, Simulated};
use ferrolite::{Durability, Options, Range};

/// Documents of a batch, and bytes of each: within a page, a log segment, and more of both than fit a memtable.
const SIZES: [(usize, usize); 5] = [(2, 10), (30, 200), (1000, 50), (3, 200_000), (4000, 100)];
const OUTCOMES: [Recovery; 5] =
    [Recovery::KeepAll, Recovery::LoseAll, Recovery::Random, Recovery::Random, Recovery::Random];

/// Batches that are cut up to fit a buffer are found in half after a crash.
#[test]
fn a_batch_of_any_size_is_whole_or_absent() {
    let sizes = if cfg!(target_os = "wasi") { &SIZES[..3] } else { &SIZES[..] };
    for durability in [Durability::Always, Durability::Never] {
        for &(documents, bytes) in sizes {
            let options = Options { durability, memtable_size: 64 << 10, ..Options::default() };
            for calls in 1.. {
                if !crash_within(&options, documents, bytes, calls) {
                    assert!(calls > 1, "no crash came");
                    break;
                }
            }
        }
    }
}

/// Crashes in the `calls`th call of a batch; false when it has fewer calls.
fn crash_within(options: &Options, documents: usize, bytes: usize, calls: u64) -> bool {
    let (fs, clock) = (Simulated::new(calls), Clock::new());
    let mut db = open(&fs, &clock, options.clone()).unwrap();
    db.set("before", &1).unwrap();
    db.flush().unwrap();
    fs.crash_after(calls);
    let value = format!("\"{}\"", "v".repeat(bytes));
    let committed = db.set_many_json((0..documents).map(|n| (format!("{n:05}"), &value)));
    let flushed = db.flush();
    drop(db);
    for (index, outcome) in OUTCOMES.into_iter().enumerate() {
        let tried = fs.fork();
        tried.reseed(calls * 10 + index as u64);
        tried.restart(outcome);
        let db = open(&tried, &clock, options.clone()).unwrap();
        assert!(db.has("before").unwrap());
        let found = db.count(&Range::all()).unwrap() - 1;
        assert!(found == 0 || found == documents as u64, "{found} of {documents} documents, crash in call {calls}");
        let is_durable = committed.is_ok() && (flushed.is_ok() || options.durability == Durability::Always);
        assert!(!is_durable || found == documents as u64, "an acknowledged batch is gone, crash in call {calls}");
        if documents < 1000 {
            assert_sound(&db);
        }
    }
    committed.is_err() || flushed.is_err()
}
