//! Disks that lie: writes that are acknowledged and lost, or land elsewhere, and bits that rot, while the database is open
//! and between sessions. Every answer is right, or an error that tells of damage.

use crate::damage::Damage;
use crate::operation::Operation;
use crate::random::Random;
use crate::runner::run_seeds;
use crate::secrets::Secrets;
use crate::session::{Plan, end, options, plan_crash};
use crate::tally::Tally;
use crate::world::{Outcome, World};
use ferrolite::fs::simulated::{Fault, Operation as Call};

/// Seeds in an ordinary run.
const SEEDS: u64 = if cfg!(target_os = "wasi") { 300 } else { 1500 };

/// Bits rot anywhere, more often where everything begins: in the superblocks, and in the slots of keys behind them.
fn rot(world: &mut World, random: &mut Random) {
    for _ in 0..random.pick(&[1, 1, 1, 2, 8]) {
        let reach = random.pick(&[u64::MAX, u64::MAX, 200_000, 24 << 10]);
        let bit = random.below(8) as u32;
        world.rot(|len| (random.below(len.min(reach)), bit));
    }
}

fn session(world: &mut World, plan: &Plan, random: &mut Random) {
    world.options = options(random);
    if random.chance(plan.crash_percent / 3) {
        plan_crash(world, random);
    }
    if world.open() != Outcome::Done {
        return;
    }
    for _ in 0..random.between(0, plan.operations) {
        let operation = plan.generator.operation(random);
        // A change of the key writes little, and rarely.
        let lies_percent = if matches!(operation, Operation::ChangeKey) { 20 } else { 3 };
        if random.chance(lies_percent) {
            let fault = random.pick(&[Fault::LostWrite, Fault::MisdirectedWrite]);
            world.fs.fail_call(Some(Call::Write), random.between(1, 10), fault, false);
        }
        if random.chance(2) {
            rot(world, random);
        }
        match world.apply(&operation) {
            Outcome::Done | Outcome::Refused => {}
            Outcome::Closed | Outcome::Crashed => break,
        }
    }
}

fn run(seed: u64) -> Tally {
    let mut random = Random::new(seed ^ 0x6c79_696e_6721);
    let secrets = Secrets::new(seed);
    let plan = Plan::new(&mut random, secrets.is_encrypted());
    let mut world = World::new(seed, secrets, options(&mut random));
    world.damage = Some(Damage::default());
    world.history.keeps_all = true;
    for _ in 0..plan.sessions {
        session(&mut world, &plan, &mut random);
        end(&mut world, &mut random);
        if random.chance(30) {
            rot(&mut world, &mut random);
        }
    }
    if world.open() == Outcome::Done {
        world.apply(&Operation::Compact);
        world.compare();
        world.close();
    }
    world.into_tally()
}

#[test]
fn lying_disks_lead_to_right_answers_or_to_errors() {
    let Some(tally) = run_seeds("lying", SEEDS, run) else { return };
    if !cfg!(target_os = "wasi") {
        tally.assert_at_least(&[
            ("fault: LostWrite in Write", 1000),
            ("fault: MisdirectedWrite in Write", 1000),
            ("bit rot: bytes", 2000),
            ("bit rot and lies: Corrupt while opening", 200),
            ("bit rot and lies: Corrupt while write", 20),
            ("bit rot and lies: opened an older state", 50),
            ("work: databases opened", 2000),
            ("work: merges", 100),
            ("work: keys changed", 100),
            ("bit rot and lies: WrongKey while opening", 1),
        ]);
    }
}
