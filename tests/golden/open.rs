//! Each golden file is read, and written on.

use crate::listing::{Listing, documents, names, read};
use crate::support::{Clock, START_MS, assert_sound, find, open};
use ferrolite::fs::{Simulated, SimulatedFile};
use ferrolite::{Compression, Database, Encryption, ErrorCode, Options, Query, Range, Transaction};

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
    assert!(names.len() >= 16, "files are missing: {names:?}");
    for name in names {
        println!("{name}");
        let (bytes, listing) = read(&name);
        let (fs, clock) = host(bytes.clone(), &listing);
        let options = Options { read_only: true, encryption: listing.encryption(), ..Options::default() };
        let db = open(&fs, &clock, options).unwrap();
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
        let default = Options { encryption: listing.encryption(), ..Options::default() };
        let small = Options { page_size: 512, memtable_size: 16 << 10, ..default.clone() };
        let plain = Options { compression: Compression::None, ..default.clone() };
        for options in [small, plain] {
            let mut db = open(&fs, &clock, options).unwrap();
            if documents(&db) == listing.documents {
                listing.compare(&db);
            }
            write_on(&mut db, &listing);
            db.close().unwrap();
        }
        let db = open(&fs, &clock, default).unwrap();
        assert_eq!(db.count(&Range::prefix("later:")).unwrap(), 300);
        assert_eq!(find(&db, "later", "7"), ["later:007"]);
        assert_sound(&db);
    }
}

/// Maintenance gives indexes of before the entries of documents without a value, in files of every kind.
#[test]
fn the_indexes_of_each_are_completed() {
    for name in names() {
        println!("{name}");
        let (bytes, listing) = read(&name);
        let (fs, clock) = host(bytes, &listing);
        let options = Options { encryption: listing.encryption(), ..Options::default() };
        let mut db = open(&fs, &clock, options.clone()).unwrap();
        let documents_before = documents(&db);
        while db.maintain(1 << 20).unwrap() {}
        db.close().unwrap();
        let db = open(&fs, &clock, options).unwrap();
        assert!(documents(&db) == documents_before, "{name}");
        for index in db.indexes().into_iter().filter(|index| index.ready && !index.multi && index.paths.is_empty()) {
            let explained = db.explain(&Query::new().order_by(&*index.path).limit(2)).unwrap();
            assert!(!explained.then_missing && explained.documents_read <= 2, "{name}: {explained:?}");
        }
        assert_sound(&db);
    }
}

#[test]
fn none_that_is_encrypted_opens_otherwise() {
    let encrypted = names().into_iter().map(|name| read(&name)).filter(|(_, listing)| listing.unlock.is_some());
    let mut count = 0;
    for (bytes, listing) in encrypted {
        count += 1;
        let (fs, clock) = host(bytes, &listing);
        let code = |encryption| {
            let options = Options { read_only: true, encryption, ..Options::default() };
            open(&fs, &clock, options).err().map(|error| error.code())
        };
        assert_eq!(code(None), Some(ErrorCode::KeyRequired));
        assert_eq!(code(Some(Encryption::key([9; 32]))), Some(ErrorCode::WrongKey));
        assert_eq!(code(Some(Encryption::passphrase("guessed"))), Some(ErrorCode::WrongKey));
    }
    assert_eq!(count, 3);
}

/// A rotation that was cut short goes on; behind it the old key is gone.
#[test]
fn a_rotation_goes_on() {
    let (bytes, listing) = read("v1-encrypted-rotating");
    let (fs, clock) = host(bytes, &listing);
    let options = Options { encryption: listing.encryption(), ..Options::default() };
    let mut db = open(&fs, &clock, options.clone()).unwrap();
    let before = db.stats().engine.encryption.unwrap();
    assert!(before.is_rotating && before.old_key_bytes > 0);
    db.rotate_key().unwrap();
    db.close().unwrap();
    let db = open(&fs, &clock, Options { read_only: true, ..options }).unwrap();
    let after = db.stats().engine.encryption.unwrap();
    assert!(!after.is_rotating && after.old_key_bytes == 0 && after.key_epoch > before.key_epoch);
    listing.compare(&db);
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
