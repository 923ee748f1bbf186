//! Honest disks: they lose power, fail and fill up, but keep what they have promised. After any crash the database is in a
//! state that some commit has left, and no commit that was acknowledged as durable is missing.

use crate::random::Random;
use crate::runner::run_seeds;
use crate::secrets::Secrets;
use crate::session::{Plan, end, options, session};
use crate::tally::Tally;
use crate::world::{NAME, Outcome, World};
use ferrolite::fs::simulated::Recovery;

/// Seeds in an ordinary run.
const SEEDS: u64 = if cfg!(target_os = "wasi") { 400 } else { 2000 };

/// The whole run. Gives what the file holds in the end, and what was exercised.
fn run(seed: u64) -> (Vec<u8>, Tally) {
    let mut random = Random::new(seed);
    let secrets = Secrets::new(seed);
    let plan = Plan::new(&mut random, secrets.is_encrypted());
    let mut world = World::new(seed, secrets, options(&mut random));
    for _ in 0..plan.sessions {
        session(&mut world, &plan, &mut random);
        end(&mut world, &mut random);
    }
    // In the end everything must work, and go on working.
    world.restart(Recovery::Random);
    assert_eq!(world.open(), Outcome::Done);
    for _ in 0..20 {
        assert_eq!(world.apply(&plan.generator.operation(&mut random)), Outcome::Done);
    }
    world.compare();
    assert_eq!(world.close(), Outcome::Done);
    world.restart(Recovery::LoseAll);
    assert_eq!(world.open(), Outcome::Done);
    let content = world.fs.content(NAME).expect("the file is there");
    (content, world.into_tally())
}

#[test]
fn honest_disks_lead_back_to_a_prefix_of_the_commits() {
    let Some(tally) = run_seeds("honest", SEEDS, |seed| run(seed).1) else { return };
    if !cfg!(target_os = "wasi") {
        tally.assert_at_least(&[
            ("crash in Write", 1000),
            ("crash in Sync", 400),
            ("crash in Truncate", 30),
            ("crash while recovering", 800),
            ("crash while opening", 100),
            ("crash while close", 40),
            ("crash while compact", 60),
            ("crash while compact_step", 25),
            ("crash while building an index", 15),
            ("crash while group", 30),
            ("crash while write", 250),
            ("crash while change_key", 40),
            ("crash while rotate_key", 10),
            ("crash while rotate_key_step", 15),
            ("work: databases of kind plain", 800),
            ("work: databases of kind aes-256-gcm", 400),
            ("work: databases of kind chacha20-poly1305", 400),
            ("work: keys changed", 500),
            ("work: data keys rotated", 200),
            ("work: data keys rotated in slices, or begun to be", 400),
            ("work: old keys refused", 500),
            ("marks: encrypted files, none", 1000),
            ("marks: plain files, some", 1000),
            ("fault: Io in Open", 1),
            ("fault: Io in Len", 1),
            ("fault: Io in Read", 80),
            ("fault: Io in Write", 100),
            ("fault: Io in Sync", 30),
            ("fault: Io in Truncate", 1),
            ("fault: StorageFull in Write", 50),
            ("fault: ShortRead in Read", 1000),
            ("fault: ShortWrite in Write", 1000),
            ("unsynced change: kept although an older one was lost", 1000),
            ("unsynced change: kept without all of the file's growth", 400),
            ("unsynced change: torn", 1000),
            ("work: merges", 3000),
            ("work: indexes built", 1000),
            ("work: databases opened", 5000),
            ("work: kills in the middle of a call", 400),
            ("work: files moved away while open", 200),
            ("work: clock set back", 400),
            ("work: snapshots read", 1000),
            ("work: snapshots ended by their age", 1),
        ]);
    }
}

#[test]
fn the_same_seed_makes_the_same_file() {
    for seed in [1, 22, 333, 4444, 55_555] {
        assert!(run(seed).0 == run(seed).0, "seed {seed}");
    }
}
