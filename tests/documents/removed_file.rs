//! A file that loses its name or its end while it is open takes no more commits.

use crate::support::{Clock, open};
use ferrolite::fs::simulated::{Simulated, SimulatedFile};
use ferrolite::{Database, Durability, ErrorCode, Options, Range, Result};

/// Milliseconds after which a commit checks the file.
const CHECK_MS: u64 = 1000;

fn opened(durability: Durability) -> (Simulated, Clock, Database<SimulatedFile>) {
    let (fs, clock) = (Simulated::new(1), Clock::new());
    let mut db = open(&fs, &clock, Options { durability, ..Options::default() }).unwrap();
    db.set("before", &1).unwrap();
    (fs, clock, db)
}

fn failed<T>(outcome: Result<T>) -> bool {
    let error = outcome.err().expect("the file is gone");
    error.code() == ErrorCode::Failed && error.to_string().contains("removed, moved, replaced or cut")
}

#[test]
fn a_removed_file_takes_commits_for_a_second_at_most() {
    for durability in [Durability::Always, Durability::Periodic { interval_ms: 100_000 }, Durability::Never] {
        let (fs, clock, mut db) = opened(durability);
        fs.unlink("db");
        clock.advance_ms(CHECK_MS);
        assert!(failed(db.set("after", &2)), "{durability}");
        assert!(failed(db.set("later", &2)), "{durability}: it stays closed to writes");
        assert_eq!(db.get::<u32>("before").unwrap(), Some(1), "{durability}: reads continue");
        assert!(!db.has("after").unwrap(), "{durability}");
    }
}

#[test]
fn a_second_file_of_the_name_is_another_file() {
    let (fs, clock, mut db) = opened(Durability::Always);
    fs.unlink("db");
    let mut second = open(&fs, &clock, Options::default()).unwrap();
    second.set("second", &1).unwrap();
    clock.advance_ms(CHECK_MS);
    assert!(failed(db.set("first", &2)));
    second.set("second", &2).unwrap();
    drop(db);
    second.close().unwrap();
    assert_eq!(open(&fs, &clock, Options::default()).unwrap().get::<u32>("second").unwrap(), Some(2));
}

#[test]
fn a_cut_file_takes_no_commits() {
    let (fs, clock, mut db) = opened(Durability::Always);
    let content = fs.content("db").unwrap();
    fs.set_content("db", content[..content.len() / 2].to_vec());
    clock.advance_ms(CHECK_MS);
    assert!(failed(db.set("after", &2)));
}

#[test]
fn the_first_write_and_the_close_check_at_once() {
    let (fs, clock, mut db) = opened(Durability::Never);
    fs.unlink("db");
    db.set("within the second", &2).unwrap();
    assert!(failed(db.close()), "the caller learns that its commits are lost");
    let mut db = open(&fs, &clock, Options::default()).unwrap();
    fs.unlink("db");
    assert!(failed(db.set("first", &1)));
}

#[test]
fn maintenance_and_flushes_check_as_commits_do() {
    let (fs, clock, mut db) = opened(Durability::Never);
    fs.unlink("db");
    clock.advance_ms(CHECK_MS);
    assert!(failed(db.flush()));
    let (fs, clock, mut db) = opened(Durability::Always);
    fs.unlink("db");
    clock.advance_ms(CHECK_MS);
    assert!(failed(db.compact()));
}

#[test]
fn a_file_that_stays_is_checked_once_a_second() {
    let (fs, clock, mut db) = opened(Durability::Always);
    for n in 0..10 {
        clock.advance_ms(CHECK_MS / 2);
        db.set("again", &n).unwrap();
    }
    db.close().unwrap();
    assert_eq!(open(&fs, &clock, Options::default()).unwrap().get::<u32>("again").unwrap(), Some(9));
}

/// Documents of three megabytes, on a host without locks.
fn shared() -> (Simulated, Clock, Database<SimulatedFile>) {
    let (fs, clock) = (Simulated::new(2), Clock::new());
    fs.set_exclusive(false);
    let mut db = open(&fs, &clock, Options::default()).unwrap();
    for n in 0..30 {
        db.set_json(&format!("{n}"), &format!("\"{}\"", "many letters ".repeat(8000))).unwrap();
    }
    (fs, clock, db)
}

#[test]
fn a_file_that_its_owner_has_shortened_is_locked() {
    let (fs, clock, mut db) = shared();
    let mut guest = open(&fs, &clock, Options::default()).unwrap();
    let before = fs.content("db").unwrap().len();
    db.delete_range(&Range::all()).unwrap();
    db.compact().unwrap();
    assert!(fs.content("db").unwrap().len() < before / 2);
    clock.advance_ms(CHECK_MS);
    assert_eq!(guest.set("guest", &1).unwrap_err().code(), ErrorCode::Locked);
    db.set("owner", &1).unwrap();
}

#[test]
fn a_file_that_a_later_owner_has_shortened_is_locked() {
    let (fs, clock, mut db) = shared();
    let before = fs.content("db").unwrap().len();
    let mut later = open(&fs, &clock, Options::default()).unwrap();
    later.delete_range(&Range::all()).unwrap();
    later.compact().unwrap();
    assert!(fs.content("db").unwrap().len() < before / 2);
    clock.advance_ms(CHECK_MS);
    assert_eq!(db.set("first", &1).unwrap_err().code(), ErrorCode::Locked);
    assert_eq!(db.set("first", &1).unwrap_err().code(), ErrorCode::Locked, "it stays closed to writes");
    later.set("later", &1).unwrap();
    later.close().unwrap();
}

#[test]
fn a_file_that_nobody_has_claimed_and_is_short_was_cut() {
    for kept in [0, 24 << 10, 1 << 20] {
        let (fs, clock, mut db) = shared();
        let mut guest = open(&fs, &clock, Options::default()).unwrap();
        fs.set_content("db", fs.content("db").unwrap()[..kept].to_vec());
        clock.advance_ms(CHECK_MS);
        assert!(failed(db.set("after", &2)), "{kept} bytes");
        assert!(failed(guest.set("guest", &2)), "{kept} bytes");
    }
}
