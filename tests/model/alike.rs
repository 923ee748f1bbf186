//! The same operations get the same answers, whatever the sizes of pages, cache and memtable, the compression, the
//! encryption and changes of its keys, the durability, how often and in what slices the database is maintained, and the host.

use crate::agree::everything;
use crate::directory::Directory;
use crate::draw::{Kinds, operations, options};
use crate::host::Host;
use crate::model::Model;
use crate::operation::Operation;
use crate::torture::config;
use crate::world::World;
use ferrolite::Options;
use ferrolite::fs::{Memory, Simulated};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use serde_json::Value;

const KINDS: Kinds = Kinds { faults: false, set_back: false };
const LENGTH_MAX: usize = 80;
const CASES: u32 = if cfg!(target_os = "wasi") { 150 } else { 800 };

/// Under what a workload is played.
#[derive(Debug, Clone)]
pub struct Setting {
    options: Options,
    /// After how many operations the database is maintained, and with what budget of bytes.
    upkeep: Option<(usize, usize)>,
    /// After how many operations the keys of an encrypted database are changed.
    change_of_keys: usize,
}

#[derive(Debug, Clone)]
pub struct Case {
    pub operations: Vec<Operation>,
    pub settings: [Setting; 3],
    /// Whether it is played on files of the host too, where flushes take their time.
    on_files: bool,
}

fn setting() -> impl Strategy<Value = Setting> {
    let budgets = prop::sample::select(&[0usize, 1, 4 << 10, 128 << 10, 16 << 20][..]);
    (options(), prop::option::of((1usize..10, budgets)), 5usize..60)
        .prop_map(|(options, upkeep, change_of_keys)| Setting { options, upkeep, change_of_keys })
}

pub fn cases(length_max: usize) -> impl Strategy<Value = Case> {
    let settings = [setting().boxed(), setting().boxed(), setting().boxed()];
    (vec(operations(KINDS), 1..length_max), settings, prop::bool::weighted(0.15))
        .prop_map(|(operations, settings, on_files)| Case { operations, settings, on_files })
}

/// Plays a case under each of its settings, in memory, on a simulated disk and on the host's own files.
pub fn alike(case: &Case) -> TestCaseResult {
    let mut model = Model::new();
    let mut played: Vec<(Operation, Value)> = Vec::new();
    for operation in &case.operations {
        played.push((operation.clone(), model.play(operation, &Value::Null)));
    }
    for operation in everything(&model) {
        let answer = model.play(&operation, &Value::Null);
        played.push((operation, answer));
    }
    let [first, second, third] = &case.settings;
    play(Memory::new(), first, &played)?;
    play(Simulated::new(1), second, &played)?;
    if !case.on_files {
        return play(Memory::new(), third, &played);
    }
    let directory = Directory::new("model");
    play(directory.0.clone(), third, &played)
}

fn play<H: Host>(host: H, setting: &Setting, played: &[(Operation, Value)]) -> TestCaseResult {
    let mut world = World::new(host, setting.options.clone());
    for (index, (operation, expected)) in played.iter().enumerate() {
        prop_assert_eq!(&world.play(operation), expected, "{:?} under {:?}", operation, setting);
        if let Some((_, budget)) = setting.upkeep.filter(|(every, _)| index % every == 0) {
            world.play(&Operation::Maintain { budget });
        }
        if index % setting.change_of_keys == setting.change_of_keys - 1 {
            world.change_keys(index);
        }
    }
    world.close();
    Ok(())
}

proptest! {
    #![proptest_config(config(CASES))]

    #[test]
    fn answers_do_not_depend_on_settings_and_hosts(case in cases(LENGTH_MAX)) {
        alike(&case)?;
    }
}
