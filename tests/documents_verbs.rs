//! The basic verbs.

use ferrolite::{Database, Options, Range, Ttl, fs::Memory, fs::MemoryFile};

fn open(fs: &Memory) -> Database<MemoryFile> {
    pollster::block_on(Database::open(fs, "db", Options::default())).unwrap()
}

#[test]
fn what_is_set_is_read_and_survives_reopening() {
    let fs = Memory::new();
    let mut db = open(&fs);
    db.set("a", &1).unwrap();
    db.set_json("b", " {\"x\": [1,2]} ").unwrap();
    assert!(db.delete("a").unwrap());
    assert!(!db.delete("a").unwrap());
    db.close().unwrap();
    let db = open(&fs);
    assert_eq!(db.get_json("b").unwrap().unwrap(), " {\"x\": [1,2]} ");
    assert_eq!(db.get::<u8>("a").unwrap(), None);
    assert_eq!(db.keys(&Range::all()).unwrap(), ["b"]);
    assert_eq!(db.ttl("b").unwrap(), Ttl::Forever);
}
