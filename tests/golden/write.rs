//! How golden files were made. Run by hand when the format or what is written has changed:
//!
//! ```text
//! cargo test --test golden -- --ignored
//! CARGO_TARGET_WASM32_WASIP1_RUNNER="wasmtime run --dir ." \
//!   cargo test --target wasm32-wasip1 --test golden -- --ignored
//! ```
//!
//! Files that are there stay as they are: a new version adds files of its own, under a new name.

use crate::listing::{Find, Index, Listing, Unlock, documents, names, pack, path_of};
use crate::support::{START_MS, ms};
use ferrolite::fs::simulated::{Recovery, Simulated};
use ferrolite::fs::{File, FileSystem, Std};
use ferrolite::{Argon2, Cipher, Compression, Database, Environment, Options, Range, RotateProgress, Transaction};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The clock and the randomness of a file that is written.
#[derive(Clone)]
struct Host {
    now_ms: Arc<AtomicU64>,
    random: Arc<AtomicU64>,
}

impl Host {
    fn new(name: &str) -> Self {
        let seed = xxhash_rust::xxh3::xxh3_64(name.as_bytes());
        Self { now_ms: Arc::new(AtomicU64::new(START_MS)), random: Arc::new(AtomicU64::new(seed)) }
    }

    fn advance_ms(&self, ms: u64) {
        self.now_ms.fetch_add(ms, Ordering::Relaxed);
    }
}

impl Environment for Host {
    fn now_ms(&self) -> u64 {
        self.now_ms.load(Ordering::Relaxed)
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        for byte in buffer {
            let next = self.random.load(Ordering::Relaxed).wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            self.random.store(next, Ordering::Relaxed);
            *byte = (next >> 56) as u8;
        }
    }
}

/// A file that is being made.
struct Recipe<S: FileSystem> {
    fs: S,
    host: Host,
    options: Options,
}

impl<S: FileSystem> Recipe<S> {
    fn open(&self) -> Database<S::File> {
        let host = Arc::new(self.host.clone());
        pollster::block_on(Database::open_with(&self.fs, "db", self.options.clone(), host)).unwrap()
    }

    /// A closed database with a bit of everything.
    fn everything(&self) {
        let mut db = self.open();
        fill(&mut db, 0..75);
        for path in ["n", "name", "address.city"] {
            db.create_index(path).unwrap();
        }
        fill(&mut db, 50..100);
        lifetimes(&mut db);
        odd_keys_and_values(&mut db);
        db.set_json("large:1", &format!("{{\"p\":\"{}\"}}", "a large value ".repeat(9000))).unwrap();
        db.set_json("large:2", &format!("\"{}\"", "l".repeat(17 << 10))).unwrap();
        db.delete_range(&Range::prefix("user:01")).unwrap();
        db.close().unwrap();
        self.host.advance_ms(1000);
    }
}

fn fill<F: File>(db: &mut Database<F>, numbers: std::ops::Range<u32>) {
    for number in numbers {
        let name = ["ann", "bob", "cleo", "dora"][number as usize % 4];
        let json =
            format!("{{\"n\":{},\"name\":\"{name}\",\"address\":{{\"city\":\"{}\"}}}}", number % 20, number / 25);
        db.set_json(&format!("user:{number:03}"), &json).unwrap();
    }
}

fn lifetimes<F: File>(db: &mut Database<F>) {
    db.set_ex_json("expiring:soon", r#"{"n":3}"#, ms(400)).unwrap();
    db.set_ex_json("expiring:in an hour", r#"{"n":3}"#, ms(3_600_000)).unwrap();
    db.set_ex_json("expiring:never after all", r#"{"n":3}"#, ms(500)).unwrap();
    db.persist("expiring:never after all").unwrap();
    db.set_json("expiring:later", r#"{"n":4}"#).unwrap();
    db.expire("expiring:later", ms(7_200_000)).unwrap();
    db.commit(Transaction::new().set_until_json("expiring:in 2100", "1", 4_102_444_800_000).unwrap()).unwrap();
}

fn odd_keys_and_values<F: File>(db: &mut Database<F>) {
    for key in ["\u{0}", "\u{1}", "nul\u{0}", "ü", "😀", "\u{10ffff}", &"k".repeat(4096)] {
        db.set_json(key, r#"{"n":"odd"}"#).unwrap();
    }
    let values = [
        "null",
        "true",
        "[]",
        "{}",
        "-0.0",
        "1.0",
        "9007199254740993",
        "18446744073709551615",
        "5e-324",
        r#""\u0000""#,
        r#""\ud83d\ude00""#,
        r#""\"""#,
        "[1,[2,[3]]]",
        r#"{"z":{"y":1}}"#,
    ];
    for (number, value) in values.iter().enumerate() {
        db.set_json(&format!("value:{number:02}"), &format!(" {{ \"n\" : {value} }}\n")).unwrap();
    }
    db.set_json("value:long", &format!("{{\"n\":\"{}\"}}", "beyond the indexed bytes ".repeat(60))).unwrap();
}

/// Asks and writes down what a file holds.
fn list<S: FileSystem>(recipe: &Recipe<S>, about: &str, unlock: Option<Unlock>, dropping: Option<&str>) -> Listing {
    let host = Arc::new(recipe.host.clone());
    let encryption = unlock.as_ref().map(Unlock::encryption);
    let options = Options { read_only: true, encryption, ..Options::default() };
    let db = pollster::block_on(Database::open_with(&recipe.fs, "db", options, host)).unwrap();
    let state = |ready| if ready { "ready" } else { "building" }.to_owned();
    let mut indexes: Vec<_> =
        db.indexes().into_iter().map(|index| Index { path: index.path, state: state(index.ready) }).collect();
    indexes.extend(dropping.map(|path| Index { path: path.to_owned(), state: "dropping".to_owned() }));
    let questions = [
        ("n", "3", false),
        ("n", r#"{"gte":17}"#, true),
        ("n", r#"{"gte":""}"#, false),
        ("name", r#""bob""#, true),
        ("name", r#"{"gt":"bob","lte":"dora"}"#, false),
        ("address.city", r#""2""#, false),
    ];
    let finds: Vec<Find> = questions.map(|(path, it, reverse)| Find::ask(&db, path, it, reverse)).into();
    let listing = Listing {
        about: about.to_owned(),
        unlock,
        now_ms: recipe.host.now_ms(),
        version: db.version(),
        indexes,
        documents: documents(&db),
        finds,
    };
    listing.compare(&db);
    assert!(listing.finds.iter().all(|find| find.is_right(&db)));
    listing
}

fn save(name: &str, bytes: &[u8], listing: &Listing) {
    if names().iter().any(|known| known == name) {
        println!("{name} is there and stays as it is");
        return;
    }
    std::fs::write(path_of(name, ".db.lz4"), pack(bytes)).unwrap();
    std::fs::write(path_of(name, ".json"), listing.to_text()).unwrap();
}

/// Makes a file in memory and saves it.
fn make(name: &str, about: &str, options: Options, work: impl FnOnce(&Recipe<Simulated>) -> Option<&'static str>) {
    let recipe = Recipe { fs: Simulated::new(1), host: Host::new(name), options };
    let dropping = work(&recipe);
    let listing = list(&recipe, about, None, dropping);
    save(name, &recipe.fs.content("db").unwrap(), &listing);
}

/// The same, of a file that `unlock` opens in the end.
fn make_encrypted(name: &str, about: &str, options: Options, unlock: Unlock, work: impl FnOnce(&Recipe<Simulated>)) {
    let recipe = Recipe { fs: Simulated::new(1), host: Host::new(name), options };
    work(&recipe);
    let listing = list(&recipe, about, Some(unlock), None);
    save(name, &recipe.fs.content("db").unwrap(), &listing);
}

fn plain() -> Options {
    Options { compression: Compression::None, ..Options::default() }
}

fn small() -> Options {
    Options { page_size: 512, memtable_size: 16 << 10, ..Options::default() }
}

#[test]
#[ignore = "writes golden files"]
fn write_golden_files() {
    if cfg!(target_os = "wasi") {
        write_on_wasi();
    } else {
        write_natively();
        write_encrypted();
    }
}

fn write_natively() {
    make("v1-empty", "created and closed, nothing in it", plain(), |recipe| {
        recipe.open().close().unwrap();
        None
    });
    make("v1-emptied", "everything was deleted again", plain(), |recipe| {
        recipe.everything();
        let mut db = recipe.open();
        db.delete_range(&Range::all()).unwrap();
        db.close().unwrap();
        None
    });
    for (name, options) in [("v1-plain", plain()), ("v1-compressed", Options::default())] {
        make(name, "a bit of everything, closed", options, |recipe| {
            recipe.everything();
            None
        });
    }
    make("v1-small-pages", "a bit of everything in pages of 512 bytes, closed", small(), |recipe| {
        recipe.everything();
        None
    });
    make("v1-compacted", "a bit of everything, compacted and closed", Options::default(), |recipe| {
        recipe.everything();
        let mut db = recipe.open();
        db.compact().unwrap();
        db.close().unwrap();
        None
    });
    make("v1-levels", "tables in several runs of level 0 and below, and a log; not closed", small(), levels);
    make("v1-log", "a log of several segments, with commits of many sizes; not closed", plain(), log);
    make("v1-log-compressed", "commits behind tables, with indexes; not closed", Options::default(), |recipe| {
        recipe.everything();
        let mut db = recipe.open();
        fill(&mut db, 90..130);
        db.delete("user:000").unwrap();
        lifetimes(&mut db);
        None
    });
    make("v1-index-building", "an index of which 60 documents are covered; not closed", plain(), |recipe| {
        recipe.everything();
        let mut db = recipe.open();
        assert!(!db.create_index_step("address", 60).unwrap().done);
        fill(&mut db, 0..10);
        None
    });
    let about = "indexes with entries for documents without a value; with a log, not closed";
    make("v1-missing-values", about, plain(), |recipe| {
        recipe.everything();
        let mut db = recipe.open();
        db.create_index("address").unwrap();
        for key in ["user:060", "user:061", "without a value"] {
            db.set_json(key, r#"{"other":1}"#).unwrap();
        }
        db.set_ex_json("expiring:without a value", "{}", ms(3_600_000)).unwrap();
        db.delete("value:00").unwrap();
        None
    });
    make("v1-index-dropping", "an index whose dropping was cut short", Options::default(), index_dropping);
    make("v1-crashed", "power was lost in the middle of a merge; what was not synced is lost", small(), crashed);
}

fn write_encrypted() {
    let key = Unlock::Key((0..32).map(|byte| format!("{:02x}", 7 * byte + 1)).collect());
    let encrypted = |cipher| Options { encryption: Some(key.encryption().with_cipher(cipher)), ..Options::default() };
    let name = "v1-encrypted-aes";
    let about = "encrypted with AES-256-GCM, by a key; with a log of several segments, not closed";
    make_encrypted(name, about, encrypted(Cipher::Aes256Gcm), key.clone(), |recipe| {
        recipe.everything();
        log(recipe);
    });
    let name = "v1-encrypted-chacha";
    let about = "encrypted with ChaCha20-Poly1305, by a passphrase that took a key's place; not closed";
    let passphrase = Unlock::Passphrase("fünf Wörter, die niemand rät".to_owned());
    make_encrypted(name, about, encrypted(Cipher::ChaCha20Poly1305), passphrase.clone(), |recipe| {
        recipe.everything();
        let mut db = recipe.open();
        let argon2 = Argon2 { memory_kib: 80, iterations: 2, lanes: 3 };
        db.change_key(&passphrase.encryption().with_argon2(argon2)).unwrap();
        fill(&mut db, 90..130);
    });
    let name = "v1-encrypted-rotating";
    let about = "tables of two data keys, since a rotation was cut short; not closed";
    let options = Options { encryption: encrypted(Cipher::Aes256Gcm).encryption, ..small() };
    make_encrypted(name, about, options, key.clone(), rotating);
}

fn rotating(recipe: &Recipe<Simulated>) {
    recipe.everything();
    let mut db = recipe.open();
    let mut progress = RotateProgress::default();
    while progress.bytes().0 == 0 {
        db.rotate_key_step(&mut progress, 4096).unwrap();
    }
    fill(&mut db, 30..35);
    let encryption = db.stats().engine.encryption.unwrap();
    assert!(encryption.is_rotating && encryption.old_key_bytes > 0, "{encryption:?}");
}

fn write_on_wasi() {
    let name = "v1-wasi";
    let directory = std::path::PathBuf::from("target/golden-wasi");
    std::fs::create_dir_all(&directory).unwrap();
    let file = directory.join("db");
    std::fs::remove_file(&file).ok();
    let recipe = Recipe { fs: Std::new(directory), host: Host::new(name), options: Options::default() };
    recipe.everything();
    let mut db = recipe.open();
    fill(&mut db, 95..115);
    drop(db);
    let listing = list(&recipe, "written by the build for WASI, on files; with a log, not closed", None, None);
    save(name, &std::fs::read(file).unwrap(), &listing);
}

fn levels(recipe: &Recipe<Simulated>) -> Option<&'static str> {
    recipe.everything();
    let mut db = recipe.open();
    db.compact().unwrap();
    for round in 0..3 {
        fill(&mut db, round * 20..round * 20 + 30);
        db.delete(&format!("user:{:03}", 95 - round)).unwrap();
        db.close().unwrap();
        db = recipe.open();
    }
    fill(&mut db, 30..35);
    let levels = db.stats().engine.levels;
    assert!(levels[0].tables >= 2 && levels[6].tables >= 2, "{levels:?}");
    None
}

fn log(recipe: &Recipe<Simulated>) -> Option<&'static str> {
    let mut db = recipe.open();
    db.create_index("n").unwrap();
    fill(&mut db, 0..40);
    for size in [100, 5000, 40_000, 90_000, 20] {
        db.set_json(&format!("filling:{size}"), &format!("\"{}\"", "fill ".repeat(size / 5))).unwrap();
    }
    db.set_many_json((0..50).map(|number| (format!("many:{number:02}"), format!("{{\"n\":{number}}}")))).unwrap();
    db.group(|db| fill(db, 30..60)).unwrap();
    lifetimes(&mut db);
    db.delete("user:003").unwrap();
    None
}

/// Cuts the dropping of an index short behind its first commit.
fn index_dropping(recipe: &Recipe<Simulated>) -> Option<&'static str> {
    recipe.everything();
    let mut db = recipe.open();
    let version = db.set_json("last", "1").unwrap();
    for calls in 1.. {
        let fs = recipe.fs.fork();
        fs.restart(Recovery::KeepAll);
        let tried = Recipe { fs, host: recipe.host.clone(), options: recipe.options.clone() };
        let mut copy = tried.open();
        tried.fs.crash_after(calls);
        let dropped = copy.drop_index("name");
        drop(copy);
        tried.fs.restart(Recovery::KeepAll);
        let read_only = Recipe { options: Options { read_only: true, ..plain() }, ..tried };
        let found = read_only.open();
        if found.version() == version + 1 && found.indexes().len() == 2 {
            recipe.fs.set_content("db", read_only.fs.content("db").unwrap());
            break;
        }
        assert!(dropped.is_err(), "no call was the right one to cut");
    }
    drop(db);
    Some("name")
}

fn crashed(recipe: &Recipe<Simulated>) -> Option<&'static str> {
    recipe.everything();
    let mut db = recipe.open();
    fill(&mut db, 0..100);
    recipe.fs.crash_after(12);
    while db.compact().is_ok() {}
    drop(db);
    recipe.fs.restart(Recovery::LoseAll);
    None
}
