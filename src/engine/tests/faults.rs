//! Every call of the host failing in turn, once and for good: what failed is reported and leaves no trace, what was
//! acknowledged stays, and the engine either goes on or closes itself to writes and opens again.

use super::Random;
use super::crash::World;
use crate::engine::options::Durability;
use crate::fs::simulated::{Fault, Recovery};

const FAULTS: [Fault; 4] = [Fault::Io, Fault::StorageFull, Fault::ShortWrite, Fault::ShortRead];

/// Runs a workload in which the `call`-th call fails. False when it had fewer calls.
fn run(call: u64, fault: Fault, is_persistent: bool, durability: Durability) -> bool {
    let mut random = Random(77);
    let mut world = World::new(call, durability);
    world.files.fail_call(None, call, fault, is_persistent);
    let mut fired = false;
    for _ in 0..3 {
        if let Ok(mut engine) = world.open() {
            for step in 0..60 {
                let succeeded = world.step(&mut engine, &mut random);
                // What was not acknowledged is not there; after a failed flush that is known only at the next opening.
                if engine.failed.is_none() {
                    world.forget_after(engine.last_seq());
                }
                if !succeeded || step % 8 == 0 {
                    world.compare(&engine, &format!("call {call}, {fault:?}, persistent {is_persistent}"));
                }
            }
            let last = engine.last_seq();
            if engine.close().is_ok() {
                world.durable = last;
            }
        }
        fired |= world.files.faults_fired() > 0;
        world.files.clear_faults();
        world.files.restart(if call.is_multiple_of(2) { Recovery::KeepAll } else { Recovery::Random });
        let engine = world.open().unwrap_or_else(|error| panic!("call {call}, {fault:?}: {error}"));
        world.verify(&engine);
    }
    fired
}

#[test]
fn any_call_may_fail() {
    for fault in FAULTS {
        for is_persistent in [false, true] {
            let durability = if is_persistent { Durability::Never } else { Durability::Always };
            let mut call = 1;
            while run(call, fault, is_persistent, durability) {
                // Every call at first, then a sample: the workload repeats itself.
                call += 1 + call / 64;
            }
            assert!(call > 100, "{fault:?}: the workload has {call} calls");
        }
    }
}
