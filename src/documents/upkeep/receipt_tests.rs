//! Receipts in the database: they come back, and go in time.

use super::*;
use crate::documents::database::receipt::NewReceipt;
use crate::documents::database::receipt::PART_LENGTH;
use crate::documents::database::receipt::ReceiptId;
use crate::documents::database::scan::PageLimits;
use crate::documents::keyspace::range::Range;
use crate::documents::options::ChangeHistory;
use crate::documents::options::Options;
use crate::documents::upkeep::import::import_from;
use crate::documents::upkeep::salvage::salvage;
use crate::documents::upkeep::statistics::SpaceKind;
use crate::documents::watch::watcher::WatchOptions;
use crate::environment::{Environment, HostEnvironment};
use crate::fs::{Memory, MemoryFile};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const ID: ReceiptId = ReceiptId { client: [9; 16], message: 7, call: 3 };

fn open(fs: &Memory, name: &str) -> Database<MemoryFile> {
    let options = Options { change_history: Some(ChangeHistory { seconds: 60 }), ..Options::default() };
    pollster::block_on(Database::open(fs, name, options)).unwrap()
}

fn of(id: ReceiptId, content: &[u8]) -> NewReceipt {
    NewReceipt { id: Some(id), content: content.to_vec(), acknowledged: Vec::new() }
}

/// The receipts of a message without their heads.
fn bodies<F: File>(db: &Database<F>, message: u64) -> Vec<(u32, Vec<u8>)> {
    let receipts = db.receipts(ID.client, message).unwrap().into_iter();
    let body = |(call, content): (u32, Vec<u8>)| {
        let end = content.windows(3).position(|bytes| bytes == b"]],").unwrap();
        (call, content[end + 3..].to_vec())
    };
    receipts.map(body).collect()
}

fn write_with_receipt<F: File>(db: &mut Database<F>, id: ReceiptId, content: &[u8]) {
    db.begin_group();
    assert!(!db.has_unwritten());
    db.set("a", &1).unwrap();
    assert!(db.has_unwritten());
    db.leave_receipt(&of(id, content)).unwrap();
    db.finish_group().unwrap();
}

#[test]
fn receipts_come_back_by_message_and_call() {
    let (fs, long) = (Memory::new(), vec![5; 3 * PART_LENGTH + 1]);
    let mut db = open(&fs, "db");
    write_with_receipt(&mut db, ID, &long);
    write_with_receipt(&mut db, ReceiptId { call: 1, ..ID }, b"[one]");
    write_with_receipt(&mut db, ReceiptId { message: 8, ..ID }, b"[another message]");
    write_with_receipt(&mut db, ReceiptId { client: [8; 16], ..ID }, b"[another client]");
    drop(db);
    let mut db = open(&fs, "db");
    assert_eq!(bodies(&db, 7), [(1, b"one]".to_vec()), (3, long[1..].to_vec())]);
    assert_eq!(bodies(&db, 8), [(3, b"another message]".to_vec())]);
    let left = db.left_receipts(ID.client).unwrap();
    assert_eq!(
        left.iter().map(|left| (left.id.message, left.id.call, left.parts)).collect::<Vec<_>>(),
        [(7, 1, 1), (7, 3, 4), (8, 3, 1)]
    );
    db.drop_receipts(&left[1..]).unwrap();
    assert_eq!(bodies(&db, 7).len() + bodies(&db, 8).len(), 1);
    assert!(db.receipts(ID.client, 6).unwrap().is_empty() && db.receipts([7; 16], 7).unwrap().is_empty());
}

#[test]
fn the_next_commit_is_accompanied_and_no_other_one() {
    let mut db = open(&Memory::new(), "db");
    db.accompany(of(ID, b"[x]"));
    assert!(db.set("", &1).is_err() && !db.accompany_no_more());
    db.set("a", &1).unwrap();
    assert!(db.receipts(ID.client, 7).unwrap().is_empty());
    db.accompany(of(ID, b"[x]"));
    assert_eq!(db.set("b", &1).unwrap(), 2);
    assert!(db.accompany_no_more());
    db.set("c", &1).unwrap();
    assert_eq!((db.receipts(ID.client, 7).unwrap().len(), db.version()), (1, 3));
}

#[test]
fn a_group_is_not_kept_without_its_receipt() {
    let mut db = open(&Memory::new(), "db");
    db.begin_group();
    db.set("a", &1).unwrap();
    // A receipt that cannot be committed.
    db.abandon_group(&Error::Aborted);
    assert!(matches!(db.set("a", &2), Err(Error::Aborted)));
    assert!(matches!(db.finish_group(), Err(Error::Aborted)));
    assert!((db.version(), db.get::<u8>("a").unwrap()) == (0, None));
    db.set("b", &1).unwrap();
    assert_eq!(db.keys(&Range::all()).unwrap(), ["b"]);
}

/// A clock that is set.
#[derive(Clone)]
struct Clock(Arc<AtomicU64>);

impl Environment for Clock {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        HostEnvironment.fill_random(buffer);
    }
}

fn open_at(fs: &Memory, clock: &Clock) -> Database<MemoryFile> {
    pollster::block_on(Database::open_with(fs, "db", Options::default(), Arc::new(clock.clone()))).unwrap()
}

fn maintain<F: File>(db: &mut Database<F>) {
    while db.maintain(1 << 20).unwrap() {}
}

#[test]
fn no_step_of_the_clock_removes_a_receipt_that_the_next_engine_needs() {
    let (fs, clock, start) = (Memory::new(), Clock(Arc::new(AtomicU64::new(1 << 40))), 1u64 << 40);
    let steps = [0, 10 * RECEIPT_SPAN_MS, 1, 3 * RECEIPT_SPAN_MS, 2 << 40, 5];
    for (message, step) in (0..).zip(steps.iter().cycle().take(40)) {
        clock.0.store(start + step, Ordering::Relaxed);
        let mut db = open_at(&fs, &clock);
        maintain(&mut db);
        if message > 0 {
            assert_eq!(bodies(&db, message - 1).len(), 1, "of the engine before");
        }
        write_with_receipt(&mut db, ReceiptId { message, ..ID }, b"[x]");
        for step in steps {
            clock.0.store(start + step, Ordering::Relaxed);
            maintain(&mut db);
            db.compact().unwrap();
            assert_eq!(bodies(&db, message).len(), 1, "its own");
        }
        db.close().unwrap();
    }
    assert!(open_at(&fs, &clock).left_receipts(ID.client).unwrap().len() < 30, "old ones go");
}

#[test]
fn a_receipt_goes_when_it_is_two_generations_and_an_hour_old() {
    let (fs, clock) = (Memory::new(), Clock(Arc::new(AtomicU64::new(1 << 40))));
    for (message, passed_ms, left) in [(0, 0, 1), (1, 0, 2), (2, 0, 3), (3, RECEIPT_SPAN_MS + 1, 2), (4, 0, 2)] {
        clock.0.fetch_add(passed_ms, Ordering::Relaxed);
        let mut db = open_at(&fs, &clock);
        write_with_receipt(&mut db, ReceiptId { message, ..ID }, &[7; 2 * PART_LENGTH]);
        maintain(&mut db);
        assert_eq!(db.left_receipts(ID.client).unwrap().len(), left, "message {message}");
        assert_eq!(db.check(true).unwrap().problems, Vec::<String>::new());
    }
}

/// Version 0.1.0 wrote them without a head, and with an expiry.
#[test]
fn receipts_of_the_first_version_are_read_until_they_are_gone() {
    let (fs, clock) = (Memory::new(), Clock(Arc::new(AtomicU64::new(1 << 40))));
    let mut db = open_at(&fs, &clock);
    let mut batch = Batch::new();
    batch.put(ID.key(0), b"[[3,".to_vec(), Some((1 << 40) + RECEIPT_SPAN_MS));
    batch.put(ID.key(1), b"[0]]]".to_vec(), Some((1 << 40) + RECEIPT_SPAN_MS));
    db.apply(batch).unwrap();
    clock.0.fetch_add(2 * RECEIPT_SPAN_MS, Ordering::Relaxed);
    assert_eq!(db.receipts(ID.client, 7).unwrap(), BTreeMap::from([(3, b"[[3,[0]]]".to_vec())]));
    for message in [8, 9, 10] {
        write_with_receipt(&mut db, ReceiptId { message, ..ID }, b"[x]");
        maintain(&mut db);
        db.close().unwrap();
        db = open_at(&fs, &clock);
    }
    db.compact().unwrap();
    assert!(db.receipts(ID.client, 7).unwrap().is_empty());
}

#[test]
fn a_group_that_fails_takes_its_generation_back() {
    let fs = Memory::new();
    let mut db = open(&fs, "db");
    db.begin_group();
    db.leave_receipt(&of(ID, b"[x]")).unwrap();
    db.abandon_group(&Error::Aborted);
    assert!(db.finish_group().is_err());
    write_with_receipt(&mut db, ID, b"[y]");
    assert_eq!((db.generation_and_horizon().unwrap().0, bodies(&db, 7)), (1, vec![(3, b"y]".to_vec())]));
    db.close().unwrap();
    let mut db = open(&fs, "db");
    db.accompany(of(ReceiptId { message: 8, ..ID }, b"[z]"));
    db.set("a", &1).unwrap();
    assert_eq!(db.generation_and_horizon().unwrap().0, 2);
}

#[test]
fn receipts_are_no_documents() {
    let fs = Memory::new();
    let mut db = open(&fs, "db");
    let mut watcher = db.watch(&Range::all(), &WatchOptions::default()).unwrap();
    write_with_receipt(&mut db, ID, b"[x]");
    assert_eq!(db.changes(&mut watcher, PageLimits::default()).unwrap().len(), 1);
    let since = WatchOptions { since: Some(0), ..WatchOptions::default() };
    let mut watcher = db.watch(&Range::all(), &since).unwrap();
    assert_eq!(db.changes(&mut watcher, PageLimits::default()).unwrap().len(), 1);
    assert_eq!((db.count(&Range::all()).unwrap(), db.collections()), (1, Vec::new()));

    // They are in no copy.
    for is_in_tables in [false, true] {
        if is_in_tables {
            db.compact().unwrap();
            assert!(db.stats().spaces.iter().any(|space| space.kind == SpaceKind::Receipts));
        }
        let mut bytes = Vec::new();
        db.export_to(&mut bytes).unwrap();
        assert!(!bytes.windows(16).any(|bytes| bytes == ID.client), "an export names a client");
        let name = format!("copy-{is_in_tables}");
        let copy = pollster::block_on(import_from(&*bytes, &fs, &name, Options::default())).unwrap();
        assert_eq!((copy.get("a").unwrap(), copy.receipts(ID.client, 7).unwrap().len()), (Some(1), 0));
        assert_eq!(copy.check(true).unwrap().problems, Vec::<String>::new());
    }
    assert_eq!(db.receipts(ID.client, 7).unwrap().len(), 1);
    db.close().unwrap();
    let report = pollster::block_on(salvage(&fs, "db", &fs, "salvaged", Options::default())).unwrap();
    assert!(report.complete && report.documents == 1, "{report:?}");
    assert!(open(&fs, "salvaged").receipts(ID.client, 7).unwrap().is_empty());
}
