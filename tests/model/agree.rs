//! A database agrees with the model in every answer: with a disk that fails in the middle of groups, a clock that goes
//! forwards and back, and openings in between.

use crate::draw::{Kinds, operations, options};
use crate::host::Host;
use crate::model::Model;
use crate::operation::Operation;
use crate::torture::config;
use crate::world::World;
use ferrolite::fs::Simulated;
use ferrolite::{Options, Range};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

const KINDS: Kinds = Kinds { faults: true, set_back: true };
/// Operations of a case, at most.
const LENGTH_MAX: usize = 80;
const CASES: u32 = if cfg!(target_os = "wasi") { 1000 } else { 4000 };

/// A case: options and operations.
pub fn cases(length_max: usize) -> impl Strategy<Value = (Options, Vec<Operation>)> {
    (options(), vec(operations(KINDS), 1..length_max))
}

/// Plays a case, reads everything in the end, and once more after opening again.
pub fn agree(options: Options, operations: &[Operation]) -> TestCaseResult {
    let mut world = World::new(Simulated::new(1), options);
    let mut model = Model::new();
    for operation in operations {
        compare(&mut world, &mut model, operation)?;
    }
    for closes in [true, false] {
        for operation in everything(&model) {
            compare(&mut world, &mut model, &operation)?;
        }
        compare(&mut world, &mut model, &Operation::Reopen { closes })?;
    }
    Ok(())
}

fn compare<H: Host>(world: &mut World<H>, model: &mut Model, operation: &Operation) -> TestCaseResult {
    let doubtful = model.doubtful();
    // What a snapshot shows must not be in doubt.
    if matches!(operation, Operation::Snapshot { .. }) && !doubtful.is_empty() {
        return Ok(());
    }
    doubtful.iter().filter(|key| !world.has(key)).for_each(|key| model.forget(key));
    let told = world.play(operation);
    let expected = model.play(operation, &told);
    prop_assert_eq!(told, expected, "{:?}", operation);
    Ok(())
}

/// Operations that read all there is.
pub fn everything(model: &Model) -> Vec<Operation> {
    let range = Range::all();
    let mut all = vec![
        Operation::Check,
        Operation::Indexes,
        Operation::Count { range: range.clone() },
        Operation::Entries { range: range.clone() },
        Operation::Keys { range: range.reverse() },
    ];
    for key in model.keys() {
        all.push(Operation::Ttl { key: key.clone() });
        all.push(Operation::Get { key });
    }
    all
}

proptest! {
    #![proptest_config(config(CASES))]

    #[test]
    fn the_database_agrees_with_the_model((options, operations) in cases(LENGTH_MAX)) {
        agree(options, &operations)?;
    }
}
