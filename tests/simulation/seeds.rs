//! Random workloads with crashes at random points: while opening, recovering, writing, compacting, building an index and
//! closing. One seed decides everything.
//!
//! ```text
//! FERROLITE_SEEDS=100000 cargo test --test simulation seeds      more seeds
//! FERROLITE_SEED=4711    cargo test --test simulation seeds      one again, and what it does
//! ```

use crate::operation::{Generator, Operation};
use crate::random::Random;
use crate::world::{NAME, Outcome, World};
use ferrolite::fs::simulated::{Fault, Operation as Call, Recovery};
use ferrolite::{Compression, Durability, Options};

/// Seeds in an ordinary run.
const SEEDS: u64 = 2000;

/// What of all that can happen happens in this run.
struct Plan {
    generator: Generator,
    sessions: u64,
    /// Operations in a session, at most.
    operations: u64,
    crash_percent: u64,
    /// Of 100 operations, before how many a fault is planned.
    fault_percent: u64,
    /// Whether the disk may be full.
    bounded: bool,
}

impl Plan {
    fn new(random: &mut Random) -> Self {
        Self {
            generator: Generator::new(random),
            sessions: random.between(2, 6),
            operations: random.pick(&[10, 40, 120]),
            crash_percent: random.pick(&[30, 60, 90]),
            fault_percent: random.pick(&[0, 0, 0, 8]),
            bounded: random.chance(10),
        }
    }
}

fn options(random: &mut Random) -> Options {
    Options {
        durability: match random.below(4) {
            0 | 1 => Durability::Always,
            2 => Durability::Never,
            _ => Durability::Periodic { interval_ms: 500 },
        },
        memtable_size: random.pick(&[16 << 10, 16 << 10, 32 << 10, 4 << 20]),
        page_size: random.pick(&[512, 1024, 8 << 10]),
        cache_size: random.pick(&[0, 8 << 10, 8 << 20]),
        compression: random.pick(&[Compression::None, Compression::Lz4]),
        ..Options::default()
    }
}

/// Plans the crash of the next session: often soon, where opening and recovering are.
fn plan_crash(world: &World, random: &mut Random) {
    let limit = random.pick(&[4, 16, 60, 400, 2000]);
    world.fs.crash_after(random.between(1, limit));
}

fn plan_fault(world: &World, random: &mut Random) {
    let fault = random.pick(&[Fault::Io, Fault::Io, Fault::StorageFull, Fault::ShortRead, Fault::ShortWrite]);
    let calls = [None, None, Some(Call::Write), Some(Call::Sync), Some(Call::Truncate), Some(Call::Read)];
    world.fs.fail_call(random.pick(&calls), random.between(1, 12), fault, random.chance(20));
    world.trace(|| format!("plan {fault:?}"));
}

/// A session: from opening to closing, or to whatever ends it.
fn session(world: &mut World, plan: &Plan, random: &mut Random) {
    world.options = options(random);
    if random.chance(plan.crash_percent) {
        plan_crash(world, random);
    }
    if world.open() != Outcome::Done {
        return;
    }
    if plan.bounded {
        let len = world.fs.content(NAME).map_or(0, |content| content.len() as u64);
        world.fs.set_capacity(random.chance(70).then(|| len + (random.below(5) << 16)));
    }
    for _ in 0..random.between(0, plan.operations) {
        if random.chance(plan.fault_percent) {
            plan_fault(world, random);
        }
        let operation = plan.generator.operation(random);
        if matches!(operation, Operation::Compare) || random.chance(10) {
            world.fs.clear_faults();
        }
        match world.apply(&operation) {
            Outcome::Done | Outcome::Refused => {}
            Outcome::Closed | Outcome::Crashed => break,
        }
    }
}

/// What ends a session. The power may fail again and again while the database is opened.
fn end(world: &mut World, random: &mut Random) {
    match random.below(10) {
        0..=3 if world.close() != Outcome::Crashed => {}
        4 | 5 => world.kill(),
        _ => {}
    }
    world.fs.clear_faults();
    world.fs.set_capacity(None);
    // What is still open is lost with the power; what was closed or killed may be.
    if world.db.is_some() || random.chance(50) || world.is_down() {
        let recovery = random.pick(&[
            Recovery::Random,
            Recovery::Random,
            Recovery::Random,
            Recovery::Random,
            Recovery::KeepAll,
            Recovery::LoseAll,
        ]);
        world.restart(recovery);
    }
}

/// The whole run. Gives what the file holds in the end.
fn run(seed: u64) -> Vec<u8> {
    let mut random = Random::new(seed);
    let plan = Plan::new(&mut random);
    let mut world = World::new(seed, options(&mut random));
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
    world.fs.content(NAME).expect("the file is there")
}

/// Tells how to repeat the run when it panics.
struct Told(u64);

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let seed = self.0;
            eprintln!(
                "seed {seed} failed; repeat it:\n  \
                 FERROLITE_TRACE=1 FERROLITE_SEED={seed} cargo test --test simulation seeds -- --nocapture"
            );
        }
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("seeds are numbers"))
}

#[test]
fn seeds_of_crashes_lead_back_to_a_prefix_of_the_commits() {
    let seeds = match number("FERROLITE_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("FERROLITE_SEEDS").unwrap_or(SEEDS),
    };
    for seed in seeds {
        let _told = Told(seed);
        run(seed);
    }
}

#[test]
fn the_same_seed_makes_the_same_file() {
    for seed in [1, 22, 333, 4444, 55_555] {
        assert!(run(seed) == run(seed), "seed {seed}");
    }
}
