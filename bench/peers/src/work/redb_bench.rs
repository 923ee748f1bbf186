//! The work of redb's own benchmark, at a smaller size.

use anyhow::Result;

use super::{Columns, Table};
use crate::documents::{Random, scatter};
use crate::measure::{Found, Run, load};
use crate::store::{Change, Reader};

pub const TABLE: Table = Table {
    id: "redb-bench",
    title: "The work of redb's own benchmark",
    about: "Random keys of 24 characters and documents that are a string of 150 bytes; sizes are a fraction of those of redb's own \
            benchmark. Commits are flushed (fdatasync) except in the row that says nosync. Reads share one read transaction.",
    columns: Columns::Databases,
    most_runs: usize::MAX,
    work,
};

fn pair(index: u64) -> (String, String) {
    let mut random = Random::new(index ^ 0xDB);
    let mut hex = |len: usize| {
        let mut text = String::with_capacity(len + 16);
        while text.len() < len {
            text.push_str(&format!("{:016x}", random.next()));
        }
        text.truncate(len);
        text
    };
    (hex(24), format!("\"{}\"", hex(148)))
}

fn work(run: &mut Run) -> Result<()> {
    let (bulk, single, batched) = (run.plan.documents * 2, run.plan.durable_commits / 2, run.plan.documents / 5);
    let total = bulk + single + batched * 2;
    let pairs: Vec<_> = (0..total as u64).map(pair).collect();
    let (first, rest) = pairs.split_at(bulk);
    let (one_by_one, rest) = rest.split_at(single);
    let (batches, unflushed) = rest.split_at(batched);

    let mut store = run.create(true)?;
    run.time("bulk load, one commit", "us/document", bulk, || load(&mut *store, first, bulk))?;
    run.sample("individual write", single, |index| {
        store.commit(&[Change::Put(&one_by_one[index].0, &one_by_one[index].1)])
    })?;
    run.time("batch write, 1,000 a commit", "us/document", batched, || load(&mut *store, batches, 1000))?;
    store.close()?;
    let mut store = run.open(false)?;
    run.time("write, nosync", "us/document", unflushed.len(), || load(&mut *store, unflushed, 1))?;
    store.close()?;

    let mut store = run.open(true)?;
    let reads = run.plan.reads;
    let order: Vec<usize> = (0..reads as u64).map(|read| (scatter(read) % total as u64) as usize).collect();
    store.settle()?;
    for _ in 0..2 {
        run.figures.retain(|(work, _)| !work.name.starts_with("random "));
        run.checks.retain(|(name, _)| !name.starts_with("random "));
        let mut found = Found::default();
        run.time("random read", "us", reads, || {
            store.read(&mut |reader| order.iter().try_for_each(|&index| found.get(reader, &pairs[index].0)))
        })?;
        run.check("random read", found.sum);
        let mut found = Found::default();
        let ranges = reads / 5;
        run.time("random range read of 10", "us", ranges, || {
            store.read(&mut |reader| ranges_of_ten(reader, &order[..ranges], &pairs, &mut found))
        })?;
        run.check("random range read", found.sum);
    }
    let removed: Vec<Change> = pairs[..total / 2].iter().map(|(key, _)| Change::Delete(key)).collect();
    run.time("removal, one commit", "us/document", removed.len(), || store.commit(&removed))?;
    run.check_content("at the end", &mut *store)?;
    let bytes = pairs[total / 2..].iter().map(|(key, json)| key.len() + json.len()).sum::<usize>() as f64;
    run.figure("file, for each byte of keys and documents", "bytes", run.bytes_on_disk()? as f64 / bytes);
    run.time("compaction", "ms", 1000, || store.compact())?;
    store.close()?;
    run.figure("file when compacted and closed, for each byte", "bytes", run.bytes_on_disk()? as f64 / bytes);
    Ok(())
}

fn ranges_of_ten(reader: &dyn Reader, order: &[usize], pairs: &[(String, String)], found: &mut Found) -> Result<()> {
    order.iter().try_for_each(|&index| found.scan(reader, &pairs[index].0, 10))
}
