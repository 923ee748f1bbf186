//! How the cost of Ferrolite's operations grows with the database.

use std::time::Instant;

use anyhow::{Context, Result};
use ferrolite::fs::Std;
use ferrolite::{Condition, Database, Durability, FindOptions, Options, Range, Transaction};

use super::{Columns, Table};
use crate::documents::{Random, document, scattered_key};
use crate::measure::Run;
use crate::store::Subject;
use crate::subjects;

pub const TABLE: Table = Table {
    id: "growth",
    title: "The cost of an operation as the database grows",
    about: "Ferrolite with one index on a nested field, documents of about 300 bytes, keys in random order, its own default of 8 MiB \
            of cache. Reads are single calls of random keys.",
    columns: Columns::Own(&[sized("10,000"), sized("100,000"), sized("1,000,000"), sized("10,000,000")]),
    most_runs: 1,
    work,
};

const fn sized(name: &'static str) -> Subject {
    Subject { name, ..subjects::FERROLITE }
}

fn work(run: &mut Run) -> Result<()> {
    let count: u64 = run.subject.name.replace(',', "").parse().context("a number of documents")?;
    if count > run.plan.largest as u64 {
        return Ok(());
    }
    drop(run.create(false)?);
    let fs = Std::new(run.path());
    let open = |durability| {
        pollster::block_on(Database::open(&fs, "growth.ferrolite", Options { durability, ..Options::default() }))
    };
    let mut db = open(Durability::Never)?;
    db.create_index("address.city")?;
    let start = Instant::now();
    for batch in 0..count / 1000 {
        let mut transaction = Transaction::new();
        for index in batch * 1000..(batch + 1) * 1000 {
            transaction = transaction.set_json(&scattered_key(index), &document(index))?;
        }
        db.commit(transaction)?;
    }
    run.figure("load, 1,000 a commit", "us/document", start.elapsed().as_secs_f64() * 1e6 / count as f64);
    db.close()?;
    let bytes = count as f64 * 320.0;
    run.figure("file, closed, for each 320 bytes loaded", "bytes/byte", run.bytes_on_disk()? as f64 / bytes);

    let start = Instant::now();
    let mut db = open(Durability::Always)?;
    db.get_json(&scattered_key(count / 2))?;
    run.figure("open and read one", "us", start.elapsed().as_secs_f64() * 1e6);
    let mut random = Random::new(23);
    let mut chosen = || scattered_key(random.below(count));
    run.time("read", "us", 10_000, || (0..10_000).try_for_each(|_| Ok(db.get_json(&chosen()).map(drop)?)))?;
    run.time("read of a missing key", "us", 10_000, || {
        (0..10_000).try_for_each(|_| Ok(db.get_json(&(chosen() + ".")).map(drop)?))
    })?;
    run.time("range of 50", "us", 500, || {
        (0..500).try_for_each(|_| Ok(db.entries_json(&Range::all().gte(chosen()).limit(50)).map(drop)?))
    })?;
    let options = FindOptions { limit: Some(10), ..FindOptions::default() };
    run.time("find by the index, 10 of them", "us", 500, || {
        (0..500).try_for_each(|index| {
            let condition = Condition::equals(&format!("city {index}"))?;
            Ok(db.find("address.city", &condition, &options).map(drop)?)
        })
    })?;
    run.sample("durable commit, written over", 500, |index| {
        db.set_json(&chosen(), &document(index as u64))?;
        Ok(())
    })?;
    run.time("overwriting, 1,000 a commit", "us/document", 20_000, || {
        for _ in 0..20 {
            let mut transaction = Transaction::new();
            for index in 0..1000 {
                transaction = transaction.set_json(&chosen(), &document(index))?;
            }
            db.commit(transaction)?;
        }
        Ok(())
    })?;
    run.sample("durable deletion", 200, |_| {
        db.delete(&chosen())?;
        Ok(())
    })?;
    Ok(db.close()?)
}
