//! How long single operations take while a million documents are loaded in random order.
//!
//! `cargo bench --bench latency -- [--documents N] [--durability always|never|periodic:MS] [--indexes N]`
//!
//! Each document is one commit. After every hundred commits one slice of maintenance is run, as an idle host would.
//! Printed are the percentiles of commits and of slices, in microseconds, and what the load did to the file.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use ferrolite::fs::Std;
use ferrolite::{Database, Durability, Options};

struct Settings {
    documents: u64,
    durability: Durability,
    indexes: usize,
}

fn settings() -> Settings {
    let mut settings = Settings { documents: 1_000_000, durability: Durability::Never, indexes: 1 };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().unwrap_or_else(|| panic!("{argument} takes a value"));
        match argument.as_str() {
            "--documents" => settings.documents = value().parse().expect("a number of documents"),
            "--durability" => settings.durability = value().parse().expect("always, never or periodic:MS"),
            "--indexes" => settings.indexes = value().parse().expect("a number of indexes, 0 to 3"),
            "--bench" => {}
            _ => panic!("unknown option {argument}"),
        }
    }
    settings
}

/// A bijection of the 64-bit integers (the finalizer of SplitMix64), so that keys are unique and in random order.
fn scatter(index: u64) -> u64 {
    let mut z = index.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn document(index: u64) -> (String, String) {
    let random = scatter(index);
    let word = |shift: u32| format!("{:x}", scatter(random ^ u64::from(shift)));
    let json = format!(
        r#"{{"name":"user {index}","age":{},"address":{{"city":"city {}","street":"{} {}","zip":"{}"}},"email":"{}@example.org","tags":["{}","{}"],"active":{},"score":{}.{},"note":"{} {} {} {}"}}"#,
        random % 90,
        random % 1000,
        word(1),
        random % 300,
        random % 100_000,
        word(2),
        random % 50,
        random % 70,
        random.is_multiple_of(2),
        random % 1000,
        random % 97,
        word(3),
        word(4),
        word(5),
        word(6),
    );
    (format!("user:{random:016x}"), json)
}

fn print_percentiles(name: &str, mut samples: Vec<Duration>) {
    samples.sort_unstable();
    let at = |share: f64| {
        let index = ((samples.len() as f64 * share) as usize).min(samples.len().saturating_sub(1));
        samples.get(index).map_or(0.0, |sample| sample.as_secs_f64() * 1e6)
    };
    print!("{name:<22} {:>9}", samples.len());
    for share in [0.5, 0.9, 0.99, 0.999, 0.9999, 1.0] {
        print!(" {:>10.1}", at(share));
    }
    println!();
}

fn main() {
    let settings = settings();
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("latency");
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir_all(&directory).expect("a directory for the database");
    let options = Options { durability: settings.durability, ..Options::default() };
    let mut db = pollster::block_on(Database::open(&Std::new(&directory), "latency.ferrolite", options))
        .expect("a new database");
    for path in ["address.city", "age", "email"].into_iter().take(settings.indexes) {
        db.create_index(path).expect("a new index");
    }
    let mut commits = Vec::with_capacity(settings.documents as usize);
    let mut slices = Vec::new();
    let mut bytes = 0;
    let mut deepest = 0;
    let start = Instant::now();
    for index in 0..settings.documents {
        let (key, json) = document(index);
        bytes += key.len() + json.len();
        let before = Instant::now();
        db.set_json(&key, &json).expect("a commit");
        commits.push(before.elapsed());
        if index % 100 == 99 {
            let before = Instant::now();
            db.maintain(128 << 10).expect("a slice");
            slices.push(before.elapsed());
            deepest = deepest.max(db.stats().engine.debt_bytes);
        }
    }
    let elapsed = start.elapsed();
    let stats = db.stats().engine;
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    println!(
        "{} documents, {:.0} MB of JSON and keys, {} index(es), durability {}: {:.1} s",
        settings.documents,
        bytes as f64 / 1e6,
        settings.indexes,
        settings.durability,
        elapsed.as_secs_f64()
    );
    println!(
        "{:<22} {:>9} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10}",
        "microseconds", "samples", "p50", "p90", "p99", "p99.9", "p99.99", "max"
    );
    print_percentiles("commit", commits);
    print_percentiles("maintenance slice", slices);
    println!(
        "file {:.0} MB, {:.0} MB of it free; {:.0} MB written; {} flushes, {} merges, {} moves; debt at most {:.0} MB",
        megabytes(stats.file_bytes),
        megabytes(stats.free_bytes),
        megabytes(stats.io.bytes_written),
        stats.counters.flushes,
        stats.counters.compactions,
        stats.counters.moves,
        megabytes(deepest),
    );
    for (level, statistics) in stats.levels.iter().enumerate().filter(|(_, level)| level.tables > 0) {
        println!(
            "level {level}: {} tables, {:.1} MB, {} entries",
            statistics.tables,
            megabytes(statistics.bytes),
            statistics.entries
        );
    }
    db.close().expect("a clean close");
    std::fs::remove_dir_all(&directory).expect("the directory to go");
}
