//! A write that is refused leaves nothing: no collection, no commit, no version.

use crate::support::{Bench, Clock, assert_sound, code, ms, open};
use ferrolite::fs::MemoryFile;
use ferrolite::fs::simulated::{Fault, Operation, Recovery, Simulated};
use ferrolite::{Database, End, Error, ErrorCode, IndexSpec, Options, Range, Transaction};

const LONG: usize = 64 << 20;

/// A database with a unique value that is taken.
fn taken(bench: &Bench) -> Database<MemoryFile> {
    let mut db = bench.open();
    db.create_index(IndexSpec::from("email").unique()).unwrap();
    db.set_json("a", r#"{"email":"x"}"#).unwrap();
    db
}

fn with_others() -> Result<Transaction, Error> {
    let writes = Transaction::new().set_json("b", r#"{"email":"x"}"#)?;
    writes.collection("one")?.set_json("c", "1")?.collection("two")?.set_json("d", "2")
}

#[test]
fn a_refused_write_creates_no_collection() {
    let bench = Bench::new();
    let mut db = taken(&bench);
    type Refused = fn(&mut Database<MemoryFile>) -> Result<(), Error>;
    let refused: [(&str, Refused); 9] = [
        ("commit", |db| db.commit(with_others()?).map(drop)),
        ("transaction", |db| {
            db.transaction(|tx| {
                tx.set_json("b", r#"{"email":"x"}"#)?;
                tx.collection("one")?.set_json("c", "1")
            })
        }),
        ("work of a transaction", |db| {
            db.transaction(|tx| {
                tx.collection("one")?.set_json("c", "1")?;
                Err(Error::Aborted)
            })
        }),
        ("set", |db| db.collection_mut("one")?.set("a", &"x".repeat(LONG)).map(drop)),
        ("set with an option", |db| {
            let options = ferrolite::SetOptions { if_version: Some(7), ..Default::default() };
            db.collection_mut("one")?.set_json_with("a", "1", options).map(drop)
        }),
        ("push", |db| {
            let element = format!("\"{}\"", "x".repeat(LONG / 2));
            db.collection_mut("one")?.push_json("a", End::Right, [&element, &element]).map(drop)
        }),
        ("increment", |db| db.collection_mut("one")?.increment("", 1).map(drop)),
        ("create index", |db| db.collection_mut("one")?.create_index("a..b").map(drop)),
        ("bytes", |db| db.collection_mut("one")?.set_bytes("", &[1]).map(drop)),
    ];
    for (what, refused) in refused {
        let before = (db.version(), db.collections(), db.stats().engine.spaces.len());
        assert!(refused(&mut db).is_err(), "{what}");
        assert_eq!((db.version(), db.collections(), db.stats().engine.spaces.len()), before, "{what}");
    }
    assert_sound(&db);
    db.close().unwrap();
    let mut db = bench.open();
    assert!(db.collections().is_empty());
    // The number that the refused ones would have had is free.
    db.collection_mut("one").unwrap().set("a", &1).unwrap();
    assert_eq!(db.collections(), ["one"]);
}

#[test]
fn a_collection_comes_with_its_first_write() {
    let bench = Bench::new();
    let mut db = bench.open();
    let version = db.commit(
        Transaction::new()
            .collection("one")
            .unwrap()
            .set_json("a", "1")
            .unwrap()
            .collection("two")
            .unwrap()
            .set_json("b", "2")
            .unwrap(),
    );
    assert_eq!((version.unwrap(), db.version()), (1, 1));
    assert_eq!(db.collection_mut("three").unwrap().push_json("l", End::Left, ["1"]).unwrap(), 1);
    assert_eq!(db.version(), 2);
    let mut four = db.collection_mut("four").unwrap();
    four.set_ex_json("a", "1", ms(500)).unwrap();
    assert_eq!((four.set_json("b", "2").unwrap(), four.count(&Range::all()).unwrap()), (4, 2));
    assert_eq!(db.collections(), ["four", "one", "three", "two"]);
    db.close().unwrap();
    let db = bench.open();
    assert_eq!(db.collections(), ["four", "one", "three", "two"]);
    assert_eq!(db.collection("two").unwrap().get_json("b").unwrap().as_deref(), Some("2"));
    assert_sound(&db);
}

#[test]
fn a_collection_whose_first_write_fails_on_the_disk_is_created_by_the_next() {
    for depth in [0, 1] {
        let (fs, clock) = (Simulated::new(3), Clock::new());
        let mut db = open(&fs, &clock, Options::default()).unwrap();
        db.set("a", &1).unwrap();
        fs.fail_call(Some(Operation::Write), 1, Fault::StorageFull, false);
        let write = |db: &mut Database<_>| db.collection_mut("one").unwrap().set("b", &2).map(drop);
        let failed = match depth {
            0 => write(&mut db),
            _ => db.group(|db| drop(write(db))),
        };
        assert_eq!(code(failed), ErrorCode::StorageFull);
        assert!(db.collections().is_empty());
        let mut one = db.collection_mut("one").unwrap();
        one.set("c", &3).unwrap();
        assert_eq!(one.keys(&Range::all()).unwrap(), ["c"]);
        drop(db);
        fs.restart(Recovery::KeepAll);
        let db = open(&fs, &clock, Options::default()).unwrap();
        assert_eq!((db.collections(), db.collection("one").unwrap().has("c").unwrap()), (vec!["one".to_owned()], true));
        assert_sound(&db);
    }
}
