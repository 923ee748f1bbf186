//! What was deleted stays deleted.

use crate::support::{Clock, assert_sound, find, open};
use ferrolite::fs::simulated::{Simulated, SimulatedFile};
use ferrolite::{Database, Options, Range};

#[derive(Debug, Clone, Copy)]
enum Upkeep {
    /// The memtable becomes a table.
    Close,
    /// The log is replayed.
    Drop,
    Maintain,
    Compact,
}

const ALL: [Upkeep; 4] = [Upkeep::Close, Upkeep::Drop, Upkeep::Maintain, Upkeep::Compact];

struct Bench {
    fs: Simulated,
    clock: Clock,
    db: Option<Database<SimulatedFile>>,
}

impl Bench {
    fn new() -> Self {
        let mut bench = Self { fs: Simulated::new(1), clock: Clock::new(), db: None };
        bench.open();
        bench
    }

    fn open(&mut self) {
        let options = Options { memtable_size: 16 << 10, page_size: 512, ..Options::default() };
        self.db = Some(open(&self.fs, &self.clock, options).unwrap());
    }

    fn db(&mut self) -> &mut Database<SimulatedFile> {
        self.db.as_mut().unwrap()
    }

    fn run(&mut self, upkeep: Upkeep) {
        match upkeep {
            Upkeep::Close => {
                self.db.take().unwrap().close().unwrap();
                self.open();
            }
            Upkeep::Drop => {
                self.db = None;
                self.open();
            }
            Upkeep::Maintain => while self.db().maintain(1 << 20).unwrap() {},
            Upkeep::Compact => self.db().compact().unwrap(),
        }
    }
}

/// A tombstone that is dropped while an older version lies below brings the dead back, long after nobody remembers.
#[test]
fn a_deleted_key_does_not_come_back() {
    for below in ALL {
        for [first, second, third] in ALL.iter().flat_map(|a| ALL.iter().flat_map(move |b| ALL.map(|c| [*a, *b, c]))) {
            let mut bench = Bench::new();
            bench.db().create_index("n").unwrap();
            // Versions of it lie in several places.
            for round in 0..2 {
                for key in ["a", "deleted", "gone", "z"] {
                    bench.db().set_json(key, &format!("{{\"n\":{round}}}")).unwrap();
                }
                bench.run(below);
            }
            assert!(bench.db().delete("deleted").unwrap());
            bench.run(first);
            assert_eq!(bench.db().delete_range(&Range::prefix("gone")).unwrap(), 1);
            for upkeep in [second, third, Upkeep::Drop] {
                bench.run(upkeep);
                let what = format!("{below:?}, {first:?}, {second:?}, {third:?}");
                assert_eq!(bench.db().keys(&Range::all()).unwrap(), ["a", "z"], "{what}");
                assert_eq!(bench.db().get_json("deleted").unwrap(), None, "{what}");
                assert_eq!(find(bench.db(), "n", r#"{"gte":0}"#), ["a", "z"], "{what}");
            }
            assert_sound(bench.db());
        }
    }
}
