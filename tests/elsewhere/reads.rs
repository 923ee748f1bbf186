//! Reads see what was acknowledged, whatever goes on behind them.

use crate::support::{Clock, assert_sound, find, open};
use ferrolite::fs::Simulated;
use ferrolite::{Options, Range};

/// Between the moment a memtable is frozen and the one its table is installed, its documents are in neither if one forgets
/// to ask it.
#[test]
fn reads_while_a_memtable_is_flushed_see_every_write() {
    let (fs, clock) = (Simulated::new(1), Clock::new());
    let options = Options { memtable_size: 16 << 10, page_size: 512, ..Options::default() };
    let mut db = open(&fs, &clock, options).unwrap();
    db.create_index("n").unwrap();
    let documents = if cfg!(target_os = "wasi") { 150 } else { 500 };
    for number in 0..documents {
        let json = |n: usize, round: usize| format!("{{\"n\":{n},\"r\":{round},\"p\":\"{}\"}}", "x".repeat(300));
        let key = |n: usize| format!("{:04}", n * 7919 % 10_000);
        db.set_json(&key(number), &json(number, 0)).unwrap();
        // The smallest slices: the flush is seen in every state that it has.
        for _ in 0..2 {
            db.maintain(1).unwrap();
            for earlier in (0..=number).rev().step_by(9) {
                assert_eq!(db.get_json(&key(earlier)).unwrap(), Some(json(earlier, 0)), "{earlier} after {number}");
            }
            assert_eq!(find(&db, "n", &number.to_string()), [key(number)]);
        }
        if number % 50 == 0 {
            assert_eq!(db.count(&Range::all()).unwrap(), number as u64 + 1);
            assert_sound(&db);
        }
    }
    assert!(db.stats().engine.counters.flushes > 1);
}
