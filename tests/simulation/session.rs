//! What a run of the simulation does: sessions with random workloads, crashes at random points, and faults.

use crate::operation::{Generator, Operation};
use crate::random::Random;
use crate::world::{NAME, Outcome, World};
use ferrolite::fs::simulated::{Fault, Operation as Call, Recovery};
use ferrolite::{Compression, Durability, Options};

/// What of all that can happen happens in this run.
pub struct Plan {
    pub generator: Generator,
    pub sessions: u64,
    /// Operations in a session, at most.
    pub operations: u64,
    pub crash_percent: u64,
    /// Of 100 operations, before how many a fault is planned.
    fault_percent: u64,
    /// Whether the disk may be full.
    bounded: bool,
}

impl Plan {
    pub fn new(random: &mut Random, is_encrypted: bool) -> Self {
        Self {
            generator: Generator::new(random, is_encrypted),
            sessions: random.between(2, 6),
            operations: random.pick(&[10, 40, 120]),
            crash_percent: random.pick(&[30, 60, 90]),
            fault_percent: random.pick(&[0, 0, 0, 8]),
            bounded: random.chance(10),
        }
    }
}

pub fn options(random: &mut Random) -> Options {
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
pub fn plan_crash(world: &World, random: &mut Random) {
    let limit = random.pick(&[4, 16, 60, 400, 2000]);
    world.fs.crash_after(random.between(1, limit));
}

fn plan_fault(world: &World, random: &mut Random) {
    let fault = random.pick(&[Fault::Io, Fault::Io, Fault::StorageFull, Fault::ShortRead, Fault::ShortWrite]);
    let calls = [None, None, Some(Call::Write), Some(Call::Sync), Some(Call::Truncate), Some(Call::Read)];
    world.fs.fail_call(random.pick(&calls), random.between(1, 12), fault, random.chance(20));
    world.trace(|| format!("plan {fault:?}"));
}

/// A fault while the database is opened and what was found is read.
fn plan_fault_in_opening(world: &World, random: &mut Random) {
    let calls = [None, Some(Call::Open), Some(Call::Len), Some(Call::Read)];
    let fault = random.pick(&[Fault::Io, Fault::ShortRead]);
    world.fs.fail_call(random.pick(&calls), random.between(1, 6), fault, random.chance(30));
    world.trace(|| format!("plan {fault:?} in opening"));
}

/// A session: from opening to closing, or to whatever ends it.
pub fn session(world: &mut World, plan: &Plan, random: &mut Random) {
    world.options = options(random);
    if random.chance(plan.crash_percent) {
        plan_crash(world, random);
    }
    if random.chance(plan.fault_percent) {
        plan_fault_in_opening(world, random);
    }
    if world.open() != Outcome::Done {
        return;
    }
    if plan.bounded {
        world.bounded = true;
        let len = world.fs.content(NAME).map_or(0, |content| content.len() as u64);
        world.fs.set_capacity(random.chance(70).then(|| len + (random.below(5) << 16)));
    }
    for _ in 0..random.between(0, plan.operations) {
        if random.chance(plan.fault_percent) {
            plan_fault(world, random);
        }
        let operation = plan.generator.operation(random);
        if matches!(operation, Operation::ChangeKey) && random.chance(plan.crash_percent / 4) {
            // It is a handful of calls: other crashes seldom meet one.
            world.fs.crash_after(random.between(1, 6));
        }
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
pub fn end(world: &mut World, random: &mut Random) {
    match random.below(10) {
        0..=3 if world.close() != Outcome::Crashed => {}
        4 | 5 => world.kill(),
        6 => world.move_file_away(),
        _ => {}
    }
    world.fs.clear_faults();
    world.fs.set_capacity(None);
    if world.is_down() && random.chance(35) {
        // It was not the power, the process alone was killed.
        world.restart_process();
    }
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
