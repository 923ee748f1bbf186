//! What Ferrolite asks of the host, counted at its file system.

use anyhow::Result;
use ferrolite::fs::Std;
use ferrolite::{Database, Durability, Options, Range};

use super::{Columns, Table};
use crate::counting::{Counter, Counting, Counts};
use crate::documents::{document, scattered_key};
use crate::measure::{Run, percentile};
use crate::subjects;

pub const TABLE: Table = Table {
    id: "host-calls",
    title: "What Ferrolite asks of the host, and how long it works at a time",
    about: "Calls of the file system for an operation on a database of documents of about 300 bytes with an index; and the lengths \
            of single commits (unflushed) and of slices of maintenance of 128 KiB, one after every hundred commits.",
    columns: Columns::Own(&[subjects::FERROLITE]),
    most_runs: 1,
    work,
};

fn work(run: &mut Run) -> Result<()> {
    let count = run.plan.documents as u64;
    let counter = Counter::default();
    let fs = Counting::new(Std::new(run.create_directory()?), &counter);
    let open = |durability| {
        let options = Options { durability, cache_size: run.plan.cache, ..Options::default() };
        pollster::block_on(Database::open(&fs, "counted.ferrolite", options))
    };
    let mut figures = Vec::new();
    let mut record = |name: &str, counts: Counts, operations: f64| {
        figures.extend([
            (format!("{name}: reads"), "calls", counts.reads as f64 / operations),
            (format!("{name}: writes"), "calls", counts.writes as f64 / operations),
            (format!("{name}: flushes"), "calls", counts.syncs as f64 / operations),
            (format!("{name}: other calls"), "calls", counts.others as f64 / operations),
            (format!("{name}: bytes read"), "bytes", counts.bytes_read as f64 / operations),
            (format!("{name}: bytes written"), "bytes", counts.bytes_written as f64 / operations),
        ]);
    };

    let mut db = open(Durability::Never)?;
    db.create_index("address.city")?;
    let (mut commits, mut slices) = (Vec::new(), Vec::new());
    counter.take();
    let mut bytes = 0;
    for index in 0..count {
        let (key, json) = (scattered_key(index), document(index));
        bytes += key.len() + json.len();
        let start = std::time::Instant::now();
        db.set_json(&key, &json)?;
        commits.push(start.elapsed());
        if index % 100 == 99 {
            let start = std::time::Instant::now();
            db.maintain(128 << 10)?;
            slices.push(start.elapsed());
        }
    }
    let loading = counter.take();
    db.close()?;
    record("closing", counter.take(), 1.0);
    let mut db = open(Durability::Always)?;
    record("opening", counter.take(), 1.0);
    db.get_json(&scattered_key(1))?;
    record("first read", counter.take(), 1.0);
    db.set_json(&scattered_key(count), "1")?;
    record("first commit", counter.take(), 1.0);
    for index in 0..200 {
        db.set_json(&scattered_key(count + index), &document(index))?;
    }
    record("durable commit of a new document", counter.take(), 200.0);
    for index in 0..1000 {
        db.get_json(&scattered_key(index * 17 % count))?;
    }
    record("read from a cold cache", counter.take(), 1000.0);
    db.count(&Range::all())?;
    record("counting all", counter.take(), 1.0);
    db.close()?;

    for (name, unit, value) in figures {
        run.figure(name, unit, value);
    }
    run.figure(
        "loading: bytes written for each byte stored, with an index",
        "bytes/byte",
        loading.bytes_written as f64 / bytes as f64,
    );
    for (name, samples) in [("commit", &mut commits), ("slice of maintenance", &mut slices)] {
        for (label, share) in [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999), ("longest", 1.0)] {
            run.figure(format!("{name}, {label}"), "us", percentile(samples, share));
        }
    }
    Ok(())
}
