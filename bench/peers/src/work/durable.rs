//! Commits that are flushed before they return, of one document and of many.

use anyhow::Result;

use super::{Columns, Table};
use crate::documents::{document, scattered_key};
use crate::measure::{Found, Run, load};
use crate::store::Change;

pub const TABLE: Table = Table {
    id: "durable",
    title: "Durable commits",
    about: "Each commit is on the disk (fdatasync) before it returns. Documents of about 300 bytes, keys in random order, into a \
            database that holds a number of them already.",
    columns: Columns::Databases,
    most_runs: usize::MAX,
    work,
};

fn work(run: &mut Run) -> Result<()> {
    let (present, commits) = (run.plan.documents / 5, run.plan.durable_commits);
    let pair = |index: usize| (scattered_key(index as u64), document(index as u64));
    let documents: Vec<_> = (0..present + commits + 26_000).map(pair).collect();
    let (first, rest) = documents.split_at(present);
    let (single, rest) = rest.split_at(commits);
    let mut store = run.create(true)?;
    load(&mut *store, first, 1000)?;
    run.sample("a document a commit", commits, |index| {
        store.commit(&[Change::Put(&single[index].0, &single[index].1)])
    })?;
    run.sample("the same, written over", commits, |index| {
        store.commit(&[Change::Put(&single[index].0, &first[index].1)])
    })?;
    run.sample("a read and a commit", commits, |index| {
        let mut found = Found::default();
        store.read_one(&mut |reader| found.get(reader, &first[index].0))?;
        store.commit(&[Change::Put(&first[index].0, &single[index].1)])
    })?;
    run.sample("a deletion a commit", commits, |index| store.commit(&[Change::Delete(&single[index].0)]))?;
    let mut rest = rest;
    for (batch, count) in [(10, 1000), (100, 5000), (1000, 20_000)] {
        let (these, others) = rest.split_at(count);
        rest = others;
        run.time(&format!("{batch} documents a commit"), "us/document", count, || load(&mut *store, these, batch))?;
    }
    run.check_content("at the end", &mut *store)?;
    run.discard(store)
}
