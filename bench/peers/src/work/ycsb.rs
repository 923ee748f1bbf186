//! YCSB: a workload is a mixture of reads and writes of records, some of which are asked for far more often than others.

use anyhow::{Context, Result};

use super::{Columns, Table};
use crate::documents::{Random, Zipfian, record, scattered_key};
use crate::measure::{Found, Run, load};
use crate::store::{Change, Store};

pub const UNFLUSHED: Table = Table {
    id: "ycsb",
    title: "YCSB, without flushes",
    about: "Records of ten fields of 100 characters (1.1 KB of JSON), keys in random order, Zipfian choice (0.99); each operation \
            is a transaction of its own, and an update writes the whole record. A: half updates. B: 5 % updates. C: reads. D: \
            reads of the latest, 5 % inserts. E: scans of 1 to 100 records, 5 % inserts. F: half read, changed and written.",
    columns: Columns::Databases,
    most_runs: usize::MAX,
    work: |run| work(run, false),
};

pub const DURABLE: Table = Table {
    id: "ycsb-durable",
    title: "YCSB, each write flushed",
    about: "The same with an fdatasync for each update, insert and change, and fewer operations.",
    work: |run| work(run, true),
    ..UNFLUSHED
};

/// An operation; its key and what is written were made before the clock runs.
struct Operation {
    key: String,
    kind: Kind,
}

enum Kind {
    Read,
    Write(String),
    Scan(usize),
    Modify(String),
}

fn work(run: &mut Run, durable: bool) -> Result<()> {
    let mut records = (run.plan.documents / 2) as u64;
    let count = if durable { run.plan.durable_commits * 2 } else { run.plan.documents / 2 };
    let documents: Vec<_> = (0..records).map(|index| (scattered_key(index), record(index))).collect();
    let mut store = run.create(durable)?;
    run.time("load, 1,000 a commit", "us/record", documents.len(), || load(&mut *store, &documents, 1000))?;
    drop(documents);
    store.settle()?;
    for workload in ['A', 'B', 'C', 'F', 'D', 'E'] {
        let operations = operations(workload, count, &mut records);
        let mut found = Found::default();
        run.time(&format!("workload {workload}"), "us/operation", count, || {
            operations.iter().try_for_each(|operation| carry_out(&mut *store, operation, &mut found))
        })?;
        run.check(format!("workload {workload}"), found.sum);
    }
    run.check_content("at the end", &mut *store)?;
    run.discard(store)
}

fn operations(workload: char, count: usize, records: &mut u64) -> Vec<Operation> {
    let mut random = Random::new(workload as u64);
    let popular = Zipfian::new(*records);
    let mut operation = || {
        let chosen = popular.item(&mut random);
        let share = random.below(100);
        let mut insert = || {
            *records += 1;
            *records - 1
        };
        let (index, kind) = match workload {
            'A' if share < 50 => (chosen, Kind::Write(record(random.next()))),
            'B' if share < 5 => (chosen, Kind::Write(record(random.next()))),
            'F' if share < 50 => (chosen, Kind::Modify(record(random.next()))),
            'D' | 'E' if share < 5 => (insert(), Kind::Write(record(random.next()))),
            'D' => (*records - 1 - popular.rank(&mut random), Kind::Read),
            'E' => (chosen, Kind::Scan(1 + random.below(100) as usize)),
            _ => (chosen, Kind::Read),
        };
        Operation { key: scattered_key(index), kind }
    };
    (0..count).map(|_| operation()).collect()
}

fn carry_out(store: &mut dyn Store, Operation { key, kind }: &Operation, found: &mut Found) -> Result<()> {
    match kind {
        Kind::Read => store.read_one(&mut |reader| found.get(reader, key)),
        Kind::Write(record) => store.commit(&[Change::Put(key, record)]),
        Kind::Scan(limit) => store.read_one(&mut |reader| found.scan(reader, key, *limit)),
        Kind::Modify(record) => {
            let mut text = Vec::new();
            store.read_one(&mut |reader| {
                reader.get(key, &mut |json| text.extend_from_slice(json))?;
                Ok(())
            })?;
            // The first field of the new record takes the place of the old one's: both begin with `{"field0":"`.
            let field = 11..111;
            let (old, new) = (text.get_mut(field.clone()).context("a record")?, &record.as_bytes()[field]);
            old.copy_from_slice(new);
            store.commit(&[Change::Put(key, std::str::from_utf8(&text)?)])
        }
    }
}
