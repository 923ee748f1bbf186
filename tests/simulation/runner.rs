//! Running seeds: which ones, for how long, and how to repeat one that fails.
//!
//! ```text
//! make simulate MINUTES=10              new seeds, for ten minutes
//! make simulate SEEDS=5000              seeds 0 to 4999; SEEDS=100..200 those from 100 to 199
//! make simulate DISK=lying SEED=4711    one again, and what it does
//! ```

use crate::tally::Tally;
use std::cell::Cell;
use std::ops::Range;
use std::sync::Once;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How often it is told how far a long run is.
const PROGRESS: Duration = Duration::from_secs(10);

thread_local! {
    /// The disk and the seed that this thread is simulating.
    static CURRENT: Cell<Option<(&'static str, u64)>> = const { Cell::new(None) };
}

enum Plan {
    Seeds(Range<u64>),
    For { first: u64, time: Duration },
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

fn number(text: &str) -> u64 {
    text.trim().parse().unwrap_or_else(|_| panic!("{text:?} is no number"))
}

fn plan(default_seeds: u64) -> Plan {
    if let Some(seed) = variable("FERROLITE_SEED") {
        let seed = number(&seed);
        return Plan::Seeds(seed..seed + 1);
    }
    if let Some(seeds) = variable("FERROLITE_SEEDS") {
        return Plan::Seeds(match seeds.split_once("..") {
            Some((first, end)) => number(first)..number(end),
            None => 0..number(&seeds),
        });
    }
    match variable("FERROLITE_TORTURE") {
        Some(minutes) => {
            let first = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64);
            Plan::For { first: first * 1000, time: Duration::from_secs(60 * number(&minutes)) }
        }
        None => Plan::Seeds(0..default_seeds),
    }
}

/// A panic tells how to repeat the run; also where panics end the process, as in wasm.
fn tell_seeds_of_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            before(info);
            if let Some((disk, seed)) = CURRENT.get() {
                eprintln!("seed {seed} failed on the {disk} disk; repeat it:\n  make simulate DISK={disk} SEED={seed}");
            }
        }));
    });
}

/// Runs the simulation of one kind of disk with the seeds that the environment asks for. Gives what was exercised, when
/// these were the default seeds.
pub fn run_seeds(disk: &'static str, default_seeds: u64, run: impl Fn(u64) -> Tally) -> Option<Tally> {
    tell_seeds_of_panics();
    let plan = plan(default_seeds);
    let (range, time) = match &plan {
        Plan::Seeds(range) => (range.clone(), None),
        Plan::For { first, time } => (*first..u64::MAX, Some(*time)),
    };
    let (start, mut told) = (Instant::now(), Instant::now());
    let mut tally = Tally::default();
    let mut seeds = 0;
    for seed in range.clone() {
        if time.is_some_and(|time| start.elapsed() >= time) {
            break;
        }
        CURRENT.set(Some((disk, seed)));
        tally.merge(run(seed));
        seeds += 1;
        if told.elapsed() >= PROGRESS {
            told = Instant::now();
            eprintln!("{disk} disk: {seeds} seeds, no failure, {} s", start.elapsed().as_secs());
        }
    }
    CURRENT.set(None);
    println!("{disk} disk: {seeds} seeds from {} on, {} s\n{}", range.start, start.elapsed().as_secs(), tally.lines());
    if variable("FERROLITE_TORTURE").is_some() {
        let host = if cfg!(target_os = "wasi") { " on WASI" } else { "" };
        let tell = |what: &str, count: u64| println!("torture\tsimulation, {disk} disk{host}\t{what}\t{count}");
        tell("seeds", seeds);
        tell("crash points", tally.sum("crash in "));
        tell("faults", tally.sum("fault: "));
        tell("bytes flipped", tally.get("bit rot: bytes"));
        tell("failures", 0);
    }
    matches!(plan, Plan::Seeds(range) if range == (0..default_seeds)).then_some(tally)
}
