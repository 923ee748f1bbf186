//! Each golden file is read, and written on.

use crate::listing::{Listing, documents, names, read};
use crate::support::{Clock, START_MS, assert_sound, find, open};
use ferrolite::fs::{Simulated, SimulatedFile};
use ferrolite::{Compression, Database, Options, Range, Transaction};

/// The file in memory, and a clock at the time of its listing.
fn host(bytes: Vec<u8>, listing: &Listing) -> (Simulated, Clock) {
    let (fs, clock) = (Simulated::new(1), Clock::new());
    fs.set_content("db", bytes);
    clock.advance_ms(listing.now_ms - START_MS);
    (fs, clock)
}

#[test]
fn each_reads_as_its_listing_says() {
    let names = names();
    assert!(names.len() >= 12, "files are missing: {names:?}");
    for name in names {
        println!("{name}");
        let (bytes, listing) = read(&name);
        let (fs, clock) = host(bytes.clone(), &listing);
        let db = open(&fs, &clock, Options { read_only: true, ..Options::default() }).unwrap();
        listing.compare(&db);
        assert_eq!(db.version(), listing.version);
        assert_eq!(db.indexes(), listing.shown_indexes());
        drop(db);
        assert!(fs.content("db").unwrap() == bytes, "reading has changed {name}");
    }
}

#[test]
fn each_can_be_written_on() {
    for name in names() {
        println!("{name}");
        let (bytes, listing) = read(&name);
        let (fs, clock) = host(bytes, &listing);
        let small = Options { page_size: 512, memtable_size: 16 << 10, ..Options::default() };
        let plain = Options { compression: Compression::None, ..Options::default() };
        for options in [small, plain] {
            let mut db = open(&fs, &clock, options).unwrap();
            if documents(&db) == listing.documents {
                listing.compare(&db);
            }
            write_on(&mut db, &listing);
            db.close().unwrap();
        }
        let db = open(&fs, &clock, Options::default()).unwrap();
        assert_eq!(db.count(&Range::prefix("later:")).unwrap(), 300);
        assert_eq!(find(&db, "later", "7"), ["later:007"]);
        assert_sound(&db);
    }
}

/// Some of every kind of write; all of it is there at once.
fn write_on(db: &mut Database<SimulatedFile>, listing: &Listing) {
    let version = db.version();
    let mut before = documents(db);
    before.retain(|document| !document.key.starts_with("later:"));
    for number in 0..300 {
        let version = db.set_json(&format!("later:{number:03}"), &format!("{{\"later\":{number}}}")).unwrap();
        assert!(version > listing.version);
    }
    for path in listing.indexes.iter().map(|index| index.path.as_str()).chain(["later"]) {
        db.create_index(path).unwrap();
    }
    let old = || before.iter().map(|document| document.key.clone());
    let transaction = old().step_by(3).try_fold(Transaction::new(), |transaction, key| transaction.delete(&key));
    db.commit(transaction.unwrap()).unwrap();
    for key in old().skip(1).step_by(3) {
        db.set_json(&key, r#"{"n":-1,"name":"later"}"#).unwrap();
    }
    while db.maintain(1 << 20).unwrap() {}
    db.compact().unwrap();
    assert!(db.version() > version);
    for (number, key) in old().enumerate() {
        match number % 3 {
            0 => assert!(!db.has(&key).unwrap(), "{key}"),
            1 => assert_eq!(db.get_json(&key).unwrap().as_deref(), Some(r#"{"n":-1,"name":"later"}"#), "{key}"),
            _ => {}
        }
    }
    // What was not written is what it was.
    let now = documents(db);
    assert!(before.iter().skip(2).step_by(3).all(|document| now.contains(document)));
    assert_sound(db);
}
