//! What encryption costs: the same work on a plain database and under each cipher, in turn, in one run.
//!
//! `make bench-encryption` runs it natively, under wasmtime, and in V8;
//! `cargo bench --bench encryption -- [--documents N] [--rounds N]` natively alone.
//!
//! The files lie in memory, so that nothing of the host's costs is in the figures: with a disk the shares are smaller.
//! Each round does all of the work on each of the three databases; printed are the medians over the rounds, and how many
//! times as long as the plain one each takes. The load is one index, batches of 1,000; a commit is one document; cold reads
//! have a cache of 512 KiB, enough for indexes and filters and hardly a document, warm ones find all pages in the cache;
//! the scan is of all documents, cold.

use std::time::Instant;

use ferrolite::fs::Memory;
use ferrolite::{Argon2, Cipher, Database, Encryption, Options, Range, Transaction};

type Db = Database<<Memory as ferrolite::fs::FileSystem>::File>;

const KINDS: [(&str, Option<Cipher>); 3] =
    [("plain", None), ("aes-256-gcm", Some(Cipher::Aes256Gcm)), ("chacha20-poly1305", Some(Cipher::ChaCha20Poly1305))];
const WORK: [&str; 6] =
    ["load, us a document", "commit, us", "cold read, us", "warm read, us", "cold scan, us a document", "open, us"];
const COMMITS: usize = 2_000;
const READS: usize = 2_000;
const BATCH: usize = 1_000;

fn number(name: &str, default: usize) -> usize {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    arguments.nth(1).map_or(default, |value| value.parse().expect("a number"))
}

/// A bijection of the 64-bit integers (the finalizer of SplitMix64).
fn scatter(index: u64) -> u64 {
    let mut z = index.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn key(index: usize) -> String {
    format!("user:{:016x}", scatter(index as u64))
}

/// About 300 bytes, of which LZ4 saves about half.
fn json(index: usize) -> String {
    let random = scatter(index as u64);
    let words: Vec<String> = (1..7).map(|n| format!("{:x}", scatter(random ^ n))).collect();
    format!(
        r#"{{"name":"user {index}","age":{},"address":{{"city":"city {}","street":"{} {}"}},"email":"{}@example.org","active":{},"note":"{} {} {} {}"}}"#,
        random % 90,
        random % 1000,
        words[0],
        random % 300,
        words[1],
        random.is_multiple_of(2),
        words[2],
        words[3],
        words[4],
        words[5],
    )
}

fn open(fs: &Memory, cipher: Option<Cipher>, cache_size: usize) -> Db {
    let encryption = cipher.map(|cipher| Encryption::key([7; 32]).with_cipher(cipher));
    pollster::block_on(Database::open(fs, "db", Options { encryption, cache_size, ..Options::default() })).unwrap()
}

/// Microseconds that `work` takes, for each of `count` things.
fn micros(count: usize, work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64() * 1e6 / count as f64
}

fn read_some(db: &Db, documents: usize) {
    for n in 0..READS {
        let found = db.get_json(&key(scatter(n as u64) as usize % documents)).unwrap();
        assert!(found.is_some());
    }
}

/// All of the work once, in the order of [`WORK`].
fn round(cipher: Option<Cipher>, documents: usize) -> Vec<f64> {
    let fs = Memory::new();
    let mut db = open(&fs, cipher, 8 << 20);
    db.create_index("age").unwrap();
    let load = micros(documents, || {
        for first in (0..documents).step_by(BATCH) {
            let mut transaction = Transaction::new();
            for n in first..documents.min(first + BATCH) {
                transaction = transaction.set_json(&key(n), &json(n)).unwrap();
            }
            db.commit(transaction).unwrap();
        }
    });
    let commit = micros(COMMITS, || {
        for n in 0..COMMITS {
            db.set_json(&key(documents + n), &json(n)).unwrap();
        }
    });
    db.close().unwrap();
    let db = open(&fs, cipher, 512 << 10);
    read_some(&db, documents);
    let cold = micros(READS, || read_some(&db, documents));
    let scan = micros(documents + COMMITS, || {
        assert_eq!(db.scan(&Range::all()).unwrap().count(), documents + COMMITS);
    });
    drop(db);
    let db = open(&fs, cipher, 256 << 20);
    read_some(&db, documents);
    let warm = micros(READS, || read_some(&db, documents));
    drop(db);
    let opening = micros(20, || (0..20).for_each(|_| drop(open(&fs, cipher, 0))));
    vec![load, commit, cold, warm, scan, opening]
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let (documents, rounds) = (number("--documents", 20_000), number("--rounds", 7));
    let mut samples = vec![vec![Vec::new(); KINDS.len()]; WORK.len()];
    for _ in 0..rounds {
        for (kind, (_, cipher)) in KINDS.iter().enumerate() {
            for (work, time) in round(*cipher, documents).into_iter().enumerate() {
                samples[work][kind].push(time);
            }
        }
    }
    println!(
        "{documents} documents, {rounds} rounds, medians; {}-{}",
        std::env::consts::ARCH,
        if cfg!(target_os = "wasi") { "wasi" } else { std::env::consts::OS }
    );
    println!("{:<26} {:>10} {:>20} {:>26}", "", KINDS[0].0, KINDS[1].0, KINDS[2].0);
    for (name, kinds) in WORK.iter().zip(&mut samples) {
        let medians: Vec<f64> = kinds.iter_mut().map(|values| median(values)).collect();
        print!("{name:<26} {:>10.2}", medians[0]);
        medians[1..].iter().for_each(|time| print!(" {time:>14.2} ({:>5.2}x)", time / medians[0]));
        println!();
    }
    for (name, costs) in [("Argon2id, default", Argon2::default()), ("Argon2id, 19 MiB, 2", light())] {
        let mut times: Vec<f64> = (0..3).map(|_| passphrase(costs)).collect();
        println!("{name:<26} {:>10.1} ms", median(&mut times) / 1e3);
    }
}

/// The least that OWASP recommends.
fn light() -> Argon2 {
    Argon2 { memory_kib: 19 << 10, iterations: 2, lanes: 1 }
}

fn passphrase(costs: Argon2) -> f64 {
    let encryption = Some(Encryption::passphrase("correct horse battery staple").with_argon2(costs));
    let options = Options { encryption, ..Options::default() };
    micros(1, || drop(pollster::block_on(Database::open(&Memory::new(), "db", options)).unwrap()))
}
