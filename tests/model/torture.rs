//! The long form: random cases for as many minutes as `FERROLITE_TORTURE` says.

use crate::agree::{self, agree};
use crate::alike::{self, alike};
use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence, TestCaseResult, TestRunner};
use std::cell::Cell;
use std::time::{Duration, Instant};

/// Cases between two looks at the clock.
const CASES_AT_ONCE: u32 = 200;

/// How long the long form runs, when it is asked for.
fn time() -> Option<Duration> {
    let minutes = std::env::var("FERROLITE_TORTURE").ok()?;
    let minutes: u64 = minutes.parse().expect("FERROLITE_TORTURE is a number of minutes");
    Some(Duration::from_secs(60 * minutes))
}

/// So many cases. One that fails is remembered in a file beside its source, `NAME.regressions`, and tried first from then
/// on.
pub fn config(cases: u32) -> Config {
    let beside_source = FileFailurePersistence::WithSource("regressions");
    Config { cases, failure_persistence: Some(Box::new(beside_source)), ..Config::default() }
}

/// Runs new cases until the time is over. A case that fails is remembered as those of the short form are.
fn run_for<S: Strategy>(time: Duration, cases: &S, test: impl Fn(S::Value) -> TestCaseResult) -> u64 {
    let (begin, mut done) = (Instant::now(), 0);
    while begin.elapsed() < time {
        let mut runner = TestRunner::new(Config { source_file: Some(file!()), ..config(CASES_AT_ONCE) });
        runner.run(cases, &test).unwrap_or_else(|failure| panic!("{failure}"));
        done += u64::from(CASES_AT_ONCE);
    }
    done
}

fn tell(what: &str, number: u64) {
    println!("torture\tmodel\t{what}\t{number}");
}

#[test]
fn long_form_of_agreeing_with_the_model() {
    let Some(time) = time() else { return };
    let operations = Cell::new(0);
    let cases = run_for(time, &agree::cases(400), |(options, case)| {
        operations.set(operations.get() + case.len() as u64);
        agree(options, &case)
    });
    tell("cases", cases);
    tell("operations", operations.get());
}

#[test]
fn long_form_of_answering_alike() {
    let Some(time) = time() else { return };
    let operations = Cell::new(0);
    let cases = run_for(time, &alike::cases(400), |case| {
        operations.set(operations.get() + (case.operations.len() * case.settings.len()) as u64);
        alike(&case)
    });
    tell("cases under several settings", cases);
    tell("operations under several settings", operations.get());
}
