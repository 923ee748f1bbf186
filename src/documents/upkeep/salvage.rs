//! Recovering what can be read of a damaged database into a new one.
//!
//! The new database is marked as unfinished with its first commit, and the mark is removed with its last: a salvage that
//! was cut short leaves nothing that could be taken for a whole database.

use super::salvage_parts::FoundParts;
use super::salvage_report::LostPart;
use super::salvage_report::SalvageReport;
use crate::documents::catalog::entries::{Index, IndexState, NamedCollection, next_collection_id_key, unfinished_key};
use crate::documents::catalog::index_spec::{IndexSpec, Indexed};
use crate::documents::database::Database;
use crate::documents::error::{Error, Result};
use crate::documents::json::text;
use crate::documents::keyspace::key::key_of;
use crate::documents::keyspace::key::{CATALOG, CollectionId, STRING_KEY, check_key, collection_of, parts_of};
use crate::documents::options::{Durability, Options};
use crate::documents::stored::content::Content;
use crate::documents::stored::parts::parse_part_key;
use crate::engine::{Batch, Losses, Salvager};
use crate::environment::Environment;
use crate::fs::{self, File, FileSystem, OpenMode};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Documents that are written with one commit, ...
const COMMIT_DOCUMENTS: usize = 1000;
/// ... or bytes of them.
const COMMIT_BYTES: usize = 256 << 10;
/// Documents that one slice of an index is built from.
const INDEX_DOCUMENTS: usize = 512;
/// Bytes of a slice, when nobody waits.
const SLICE_BYTES: usize = 1 << 20;

/// The next step of a salvage.
enum Phase {
    Prepare,
    Copy,
    Parts,
    Name,
    Index(usize),
    Finish,
    Done,
}

/// A salvage that is done in slices. Made by [`Salvage::begin`]; [`salvage`] does all at once.
///
/// When it is dropped before it is done, the new database stays behind and cannot be opened: remove it.
pub struct Salvage<S: File, T: File> {
    source: Salvager<S>,
    target: Option<Database<T>>,
    phase: Phase,
    catalog: FoundCatalog,
    report: SalvageReport,
}

/// What is found of the catalog, and of documents that belong to collections.
#[derive(Default)]
struct FoundCatalog {
    collections: BTreeMap<CollectionId, NamedCollection>,
    indexes: Vec<(CollectionId, Indexed)>,
    /// Collections that documents are found of.
    seen: BTreeSet<CollectionId>,
    parts: FoundParts,
}

/// Recovers what can be read of the database `name` on `from` into the new database `out` on `to`, and reports what is
/// lost. The damaged database is not changed.
///
/// What every page and every commit says is proven by its checksum: nothing is invented, and one damaged page takes no
/// other with it. Documents keep their expiry; versions begin again. Indexes are built again. `options` are those of the
/// new database.
///
/// # Errors
/// `InvalidOptions` when `out` exists; `NotFound`, `Locked`, `NotADatabase`, `NewerFormat`, `StorageFull`, `Io`. Then the
/// new database is removed.
///
/// ```
/// # use ferrolite::{Database, Options, fs::Memory, salvage};
/// # pollster::block_on(async {
/// let fs = Memory::new();
/// let mut db = Database::open(&fs, "damaged", Options::default()).await?;
/// db.set("a", &1)?;
/// db.close()?;
/// let report = salvage(&fs, "damaged", &fs, "recovered", Options::default()).await?;
/// assert!(report.complete);
/// assert_eq!(Database::open(&fs, "recovered", Options::default()).await?.get("a")?, Some(1));
/// # Ok::<(), ferrolite::Error>(()) }).unwrap();
/// ```
pub async fn salvage<S: FileSystem, T: FileSystem>(
    from: &S,
    name: &str,
    to: &T,
    out: &str,
    options: Options,
) -> Result<SalvageReport> {
    let environment = Arc::new(crate::environment::HostEnvironment);
    salvage_with(from, name, to, out, options, environment).await
}

/// [`salvage`] with a clock and randomness of the caller's.
///
/// # Errors
/// As [`salvage`].
pub async fn salvage_with<S: FileSystem, T: FileSystem>(
    from: &S,
    name: &str,
    to: &T,
    out: &str,
    options: Options,
    environment: Arc<dyn Environment>,
) -> Result<SalvageReport> {
    let mut salvage = Salvage::begin(from, name, to, out, options, environment).await?;
    let outcome = loop {
        match salvage.step(SLICE_BYTES) {
            Ok(false) => {}
            Ok(true) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    let report = salvage.into_report();
    if let Err(error) = outcome {
        // The mark in it says the same, should it not go.
        to.remove(out).await.ok();
        return Err(error);
    }
    Ok(report)
}

impl<S: File, T: File> Salvage<S, T> {
    /// Opens the database `name` on `from`, and creates `out` on `to`.
    ///
    /// # Errors
    /// As [`salvage`]; nothing is created then.
    pub async fn begin<A: FileSystem<File = S>, B: FileSystem<File = T>>(
        from: &A,
        name: &str,
        to: &B,
        out: &str,
        options: Options,
        environment: Arc<dyn Environment>,
    ) -> Result<Self> {
        let is_wanted = |prefix| prefix == CATALOG || collection_of(prefix).is_some() || parts_of(prefix).is_some();
        let source =
            Salvager::open(from, name, options.encryption.as_ref(), Arc::clone(&environment), is_wanted).await?;
        match to.open(out, OpenMode::ReadOnly).await {
            Err(fs::Error::NotFound { .. }) => {}
            Err(fs::Error::Locked { .. }) | Ok(_) => {
                let reason = format!("{out} is there already; a salvage writes a new database, so name another");
                return Err(Error::invalid_options(reason));
            }
            Err(error) => return Err(error.into()),
        }
        let durability = Durability::Never;
        let options = Options {
            create: true,
            read_only: false,
            allow_damage: false,
            durability,
            change_history: None,
            ..options
        };
        let target = Database::open_with(to, out, options, environment).await.and_then(|mut target| {
            let mut batch = Batch::new();
            batch.put(unfinished_key(), Vec::new(), None);
            target.apply(batch)?;
            target.flush()?;
            Ok(target)
        });
        match target {
            Ok(target) => {
                let (phase, report) = (Phase::Prepare, SalvageReport::default());
                Ok(Self { source, target: Some(target), phase, catalog: FoundCatalog::default(), report })
            }
            Err(error) => {
                to.remove(out).await.ok();
                Err(error)
            }
        }
    }

    /// One slice of about `budget_bytes`; true when all is done, and the new database is closed.
    ///
    /// # Errors
    /// As [`salvage`]. Then, or when the work is given up, drop this and remove the new database.
    pub fn step(&mut self, budget_bytes: usize) -> Result<bool> {
        let Some(target) = &mut self.target else { return Ok(true) };
        self.phase = match self.phase {
            Phase::Prepare if self.source.prepare(budget_bytes as u64)? => Phase::Copy,
            Phase::Prepare => Phase::Prepare,
            Phase::Copy => match copy(&mut self.source, target, &mut self.catalog, &mut self.report, budget_bytes)? {
                true => Phase::Parts,
                false => Phase::Copy,
            },
            Phase::Parts => match self.catalog.parts.step(target, &mut self.report, budget_bytes)? {
                true => Phase::Name,
                false => Phase::Parts,
            },
            Phase::Name => {
                self.report.collections = self.catalog.name_collections(target)?;
                Phase::Index(0)
            }
            Phase::Index(index) => match self.catalog.indexes.get(index) {
                None => Phase::Finish,
                Some((collection, indexed)) => {
                    let name = target.catalog.name_of(*collection).to_owned();
                    let slash = if name.is_empty() { "" } else { "/" };
                    let shown = format!("{name}{slash}{}", indexed.name());
                    match target.named_mut(&name).create_index_step(IndexSpec::from(indexed), INDEX_DOCUMENTS) {
                        Ok(progress) if !progress.done => Phase::Index(index),
                        Ok(_) => {
                            self.report.indexes.push(shown);
                            Phase::Index(index + 1)
                        }
                        // Of what was lost older versions may be back.
                        Err(Error::UniqueViolation { .. }) => {
                            self.report.indexes_left_out.push(shown);
                            Phase::Index(index + 1)
                        }
                        Err(error) => return Err(error),
                    }
                }
            },
            Phase::Finish => {
                // All that was written before is durable before the mark goes: commits are kept in their order.
                let mut batch = Batch::new();
                batch.delete(unfinished_key());
                target.apply(batch)?;
                target.flush()?;
                if let Some(target) = self.target.take() {
                    target.close()?;
                }
                Phase::Done
            }
            Phase::Done => Phase::Done,
        };
        Ok(matches!(self.phase, Phase::Done))
    }

    /// How much is done, from 0 to 1; building indexes is not counted.
    pub fn progress(&self) -> f64 {
        let (done, all) = self.source.progress();
        match self.phase {
            Phase::Prepare | Phase::Copy => done as f64 / all.max(1) as f64,
            _ => 1.0,
        }
    }

    /// What was recovered and what is lost: of everything when it is done, and else so far.
    pub fn into_report(self) -> SalvageReport {
        self.report()
    }

    /// Returns the report before the salvage is finished.
    pub fn report(&self) -> SalvageReport {
        let losses = self.source.losses();
        let part = |piece: &crate::engine::LostPiece| LostPart {
            what: piece.what.clone(),
            offset: piece.address,
            bytes: piece.bytes,
            table: piece.table,
            from: piece.from.as_deref().and_then(lost_key),
            to: piece.to.as_deref().and_then(lost_key),
            has_documents: piece.has_entries,
        };
        SalvageReport {
            commits_lost: losses.commits,
            entries_lost: losses.entries,
            bytes_lost: losses.bytes,
            scanned: self.source.has_scanned(),
            complete: matches!(self.phase, Phase::Done) && is_complete(losses) && self.report.unreadable == 0,
            lost: losses.pieces.iter().map(part).collect(),
            more_lost: losses.more_pieces,
            ..self.report.clone()
        }
    }
}

fn is_complete(losses: &Losses) -> bool {
    !losses.is_any
}

/// The document key in a bound of what is lost, which need not be a whole key.
fn lost_key(engine_key: &[u8]) -> Option<String> {
    let (prefix, rest) = engine_key.split_first_chunk()?;
    collection_of(*prefix)?;
    Some(String::from_utf8_lossy(rest.strip_prefix(&[STRING_KEY])?).into_owned())
}

impl FoundCatalog {
    /// Takes in an entry of the catalog. What is not to be understood is lost.
    fn read(&mut self, key: &[u8], value: &[u8]) {
        if let Some(collection) = NamedCollection::read(key, value) {
            self.collections.entry(collection.id).or_insert(collection);
        }
        if let Some(Index { collection, indexed, state, .. }) = Index::read(key, value)
            && state != IndexState::Dropping
            && self.indexes.iter().all(|(id, known)| (*id, &known.paths) != (collection, &indexed.paths))
        {
            self.indexes.push((collection, indexed));
        }
    }

    /// True if what is found of a collection is to be recovered.
    fn is_wanted(&self, id: CollectionId) -> bool {
        self.collections.get(&id).is_none_or(|collection| !collection.is_dropping)
    }

    /// Gives the collections of the new database, which have the ids that they had, their names; returns these.
    fn name_collections<F: File>(&mut self, target: &mut Database<F>) -> Result<Vec<String>> {
        let mut ids: Vec<_> = self.collections.keys().chain(&self.seen).copied().collect();
        ids.sort_unstable();
        ids.dedup();
        ids.retain(|id| *id != CollectionId::DEFAULT && self.is_wanted(*id));
        self.indexes.retain(|(id, _)| *id == CollectionId::DEFAULT || ids.contains(id));
        let Some(last) = ids.last() else { return Ok(Vec::new()) };
        let mut batch = Batch::new();
        batch.put(next_collection_id_key(), last.0.saturating_add(1).to_le_bytes().to_vec(), None);
        let mut names = Vec::new();
        for id in ids {
            let found = self.collections.get(&id).map(|found| &found.name).filter(|name| !names.contains(*name));
            let mut name = found.cloned().unwrap_or_else(|| format!("recovered-{}", id.0));
            while names.contains(&name) {
                name.push('+');
            }
            let collection = NamedCollection { id, name: name.clone(), is_dropping: false };
            collection.store(&mut batch)?;
            target.catalog.remember_collection(collection);
            names.push(name);
        }
        target.apply(batch)?;
        Ok(names)
    }
}

/// Copies entries until about `budget` bytes are read; true when there are no more.
fn copy<S: File, T: File>(
    source: &mut Salvager<S>,
    target: &mut Database<T>,
    catalog: &mut FoundCatalog,
    report: &mut SalvageReport,
    budget: usize,
) -> Result<bool> {
    let end = source.bytes_read().saturating_add(budget as u64);
    let mut batch = Batch::new();
    let mut documents = 0;
    let is_done = loop {
        if batch.size() >= COMMIT_BYTES || documents >= COMMIT_DOCUMENTS || source.bytes_read() >= end {
            break false;
        }
        let Some(found) = source.next()? else { break true };
        let collection = found.key.first_chunk().and_then(|prefix| collection_of(*prefix));
        let Some(entry) = found.entry else {
            report.expired += u64::from(found.is_expired && collection.is_some_and(|id| catalog.is_wanted(id)));
            continue;
        };
        let parts = found.key.first_chunk().and_then(|prefix| parts_of(*prefix));
        if let Some((collection, (id, _))) = parts.zip(parse_part_key(&found.key)) {
            if catalog.is_wanted(collection) {
                catalog.parts.add(collection, id, &mut batch);
                batch.put(found.key.to_vec(), entry.value.to_vec(), entry.expires_at);
            }
            continue;
        }
        let Some(collection) = collection else {
            catalog.read(&found.key, &entry.value);
            continue;
        };
        // The catalog comes first.
        if !catalog.is_wanted(collection) {
            continue;
        }
        match document_in(&found.key, &entry.value) {
            None => {
                report.unreadable += 1;
                continue;
            }
            Some(content) => {
                if let Some((_, id, _)) = content.parts(collection) {
                    catalog.parts.add(collection, id, &mut batch);
                }
            }
        }
        catalog.seen.insert(collection);
        documents += 1;
        report.uncertain += u64::from(found.is_uncertain);
        batch.put(found.key.to_vec(), entry.value.to_vec(), entry.expires_at);
    };
    report.documents += documents as u64;
    if !batch.is_empty() {
        target.apply(batch)?;
    }
    Ok(is_done)
}

/// A document, as far as its own entry tells.
fn document_in<'a>(engine_key: &[u8], value: &'a [u8]) -> Option<Content<'a>> {
    let key = key_of(engine_key).ok().filter(|key| check_key(key).is_ok())?;
    let content = Content::of(key, value).ok()?;
    match content {
        Content::Json(text) => text::check_text(std::str::from_utf8(text).ok()?).ok().map(|()| content),
        _ => Some(content),
    }
}
