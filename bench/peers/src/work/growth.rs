//! How the cost of Ferrolite's operations grows with the database.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ferrolite::fs::{File, Std};
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
    Subject { name, settings: "documents in Ferrolite, with its defaults", ..subjects::FERROLITE }
}

fn work(run: &mut Run) -> Result<()> {
    let count: u64 = run.subject.name.replace(',', "").parse().context("a number of documents")?;
    if count > run.plan.largest as u64 {
        return Ok(());
    }
    let fs = Std::new(run.create_directory()?);
    let open = |durability| {
        pollster::block_on(Database::open(&fs, "growth.ferrolite", Options { durability, ..Options::default() }))
    };
    let mut db = open(Durability::Never)?;
    db.create_index("address.city")?;
    let mut loading = Duration::ZERO;
    for batch in 0..count / 1000 {
        let documents: Vec<_> = (batch * 1000..(batch + 1) * 1000).map(pair).collect();
        let start = Instant::now();
        write(&mut db, &documents)?;
        loading += start.elapsed();
    }
    run.figure("load, 1,000 a commit", "us/document", loading.as_secs_f64() * 1e6 / count as f64);
    let start = Instant::now();
    while db.maintain(128 << 10)? {}
    run.figure("maintenance while idle, after it", "us/document", start.elapsed().as_secs_f64() * 1e6 / count as f64);
    db.close()?;
    let bytes = count as f64 * 320.0;
    run.figure("file, closed, for each 320 bytes loaded", "bytes/byte", run.bytes_on_disk()? as f64 / bytes);

    let middle = scattered_key(count / 2);
    let start = Instant::now();
    let mut db = open(Durability::Always)?;
    ensure!(db.get_json(&middle)?.is_some(), "a document is missing");
    run.figure("open and read one", "us", start.elapsed().as_secs_f64() * 1e6);

    let mut random = Random::new(23);
    let mut keys =
        |count_of: usize| -> Vec<String> { (0..count_of).map(|_| scattered_key(random.below(count))).collect() };
    let present = keys(10_000);
    run.time("read", "us", present.len(), || {
        for key in &present {
            ensure!(db.get_json(key)?.is_some(), "{key} is missing");
        }
        Ok(())
    })?;
    let missing: Vec<String> = keys(10_000).into_iter().map(|key| key + ".").collect();
    run.time("read of a missing key", "us", missing.len(), || {
        for key in &missing {
            ensure!(db.get_json(key)?.is_none(), "{key} is there");
        }
        Ok(())
    })?;
    let ranges: Vec<Range> = keys(500).iter().map(|key| Range::all().gte(key.as_str()).limit(50)).collect();
    run.time("range of 50", "us", ranges.len(), || {
        for range in &ranges {
            ensure!(!db.entries_json(range)?.is_empty(), "a range is empty");
        }
        Ok(())
    })?;
    let options = FindOptions { limit: Some(10), ..FindOptions::default() };
    let cities: Vec<Condition> =
        (0..500).map(|index| Condition::equals(&format!("city {index}"))).collect::<Result<_, _>>()?;
    run.time("find by the index, at most 10 of them", "us", cities.len(), || {
        for city in &cities {
            let found = db.find("address.city", city, &options)?.len();
            ensure!((1..=10).contains(&found), "{found} were found");
        }
        Ok(())
    })?;
    let (written, documents) = (keys(500), (0..500).map(document).collect::<Vec<_>>());
    run.sample("durable commit, written over", written.len(), |index| {
        db.set_json(&written[index], &documents[index])?;
        Ok(())
    })?;
    let batches: Vec<Vec<_>> = (0..20).map(|_| keys(1000).into_iter().zip((0..1000).map(document)).collect()).collect();
    run.time("overwriting, 1,000 a commit", "us/document", 20_000, || {
        batches.iter().try_for_each(|documents| write(&mut db, documents))
    })?;
    let deleted = keys(200);
    run.sample("durable deletion", deleted.len(), |index| {
        db.delete(&deleted[index])?;
        Ok(())
    })?;
    Ok(db.close()?)
}

fn pair(index: u64) -> (String, String) {
    (scattered_key(index), document(index))
}

/// Writes documents as one commit.
fn write<F: File>(db: &mut Database<F>, documents: &[(String, String)]) -> Result<()> {
    let mut transaction = Transaction::new();
    for (key, json) in documents {
        transaction = transaction.set_json(key, json)?;
    }
    db.commit(transaction)?;
    Ok(())
}
