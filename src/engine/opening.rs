//! How an engine comes to be open: of a new file, of one that is there, and of one that is damaged.

use std::cell::RefCell;
use std::sync::Arc;

use rustc_hash::FxHashSet;

use super::counters::Counters;
use super::covered::Covered;
use super::engine::{Engine, check_agreement, used_extents};
use super::error::{Error, Result};
use super::hot_rows::HotRows;
use super::levels::Levels;
use super::log::recovery::{recover, recover_to_break};
use super::manifest::Manifest;
use super::memtable::Memtable;
use super::numbering::base_behind;
use super::options::Options;
use super::state::{Group, Memory, Sequence, Tables, Upkeep};
use super::stored_state::proven_state;
use crate::environment::Environment;
use crate::fs::{File, FileSystem, OpenMode};
use crate::page::{Access, FORMAT_VERSION, FreeSet, Slots, Superblock, Volume};

impl<F: File> Engine<F> {
    /// Opens a database file. Costs the manifest and the tail of the log; writes nothing unless the file is new.
    ///
    /// # Errors
    /// [`Error::Fs`], [`Error::Corrupt`], [`Error::NotADatabase`], [`Error::NewerFormat`].
    pub async fn open<S: FileSystem<File = F>>(
        files: &S,
        name: &str,
        options: Options,
        environment: Arc<dyn Environment>,
    ) -> Result<Self> {
        let mode = match (options.read_only, options.create) {
            (true, _) => OpenMode::ReadOnly,
            (false, true) => OpenMode::Create,
            (false, false) => OpenMode::ReadWrite,
        };
        let file = files.open(name, mode).await?;
        let access = Access {
            cache_size: HotRows::split(options.cache_size).1,
            compression: options.compression,
            encryption: options.encryption.as_ref(),
            environment: Arc::clone(&environment),
        };
        if options.allow_damage {
            let (volume, slots) = Volume::open_damaged(file, &access)?;
            return Self::recover_damaged(volume, &slots, options, environment);
        }
        let (volume, superblock) = Volume::open(file, &access)?;
        match superblock {
            Some(superblock) if superblock.read_only_compatible != 0 && !options.read_only => Err(Error::NewerFormat {
                found: format!("features {:#x} for writing", superblock.read_only_compatible),
                supported: FORMAT_VERSION,
            }),
            Some(superblock) => Self::recover(volume, superblock, options, environment),
            None => Self::create(volume, options, environment),
        }
    }

    fn create(mut volume: Volume<F>, options: Options, environment: Arc<dyn Environment>) -> Result<Self> {
        if options.read_only || !options.create {
            return Err(Error::NotADatabase { reason: "it is empty".to_owned() });
        }
        let mut superblock = Superblock { sequence: 1, next_table_id: 1, ..Superblock::default() };
        environment.fill_random(&mut superblock.file_id);
        volume.create(&mut superblock, options.encryption.as_ref())?;
        Self::assemble(volume, superblock, Manifest::default(), Levels::default(), options, environment)
    }

    fn recover(
        volume: Volume<F>,
        superblock: Superblock,
        options: Options,
        environment: Arc<dyn Environment>,
    ) -> Result<Self> {
        let (manifest, levels) = Manifest::load(&volume, superblock.manifest)?;
        check_agreement(&superblock, &levels)?;
        let mut memtable = Memtable::default();
        let used = used_extents(&levels, &manifest);
        let recovered = recover(&volume, &superblock, &used, |batch, seq| memtable.apply(batch, seq))?;
        let mut engine = Self::assemble(volume, superblock, manifest, levels, options, environment)?;
        engine.memory.memtable = memtable;
        engine.sequence.last = recovered.last_seq;
        engine.sequence.written = recovered.last_seq;
        engine.sequence.opened = recovered.last_seq;
        engine.sequence.base = base_behind(&engine.tables.superblock, recovered.last_seq);
        engine.found_log = recovered.extents;
        engine.tables.free = engine.derive_free_set()?;
        Ok(engine)
    }

    /// Opens by the newest state whose superblock and manifest are whole, with the log up to where it breaks off. What is
    /// damaged beyond that is listed by [`Engine::damage`], or found when it is read.
    fn recover_damaged(
        mut volume: Volume<F>,
        slots: &Slots,
        options: Options,
        environment: Arc<dyn Environment>,
    ) -> Result<Self> {
        let mut damage = Vec::new();
        let Some(state) = proven_state(&mut volume, slots, &mut damage)? else {
            let first = damage.into_iter().find(|error| matches!(error, Error::Corrupt { .. }));
            return Err(first.unwrap_or(Error::NotADatabase { reason: "it is empty".to_owned() }));
        };
        let mut memtable = Memtable::default();
        let used = used_extents(&state.levels, &state.manifest);
        let recovered =
            recover_to_break(&volume, &state.superblock, &used, &mut damage, |batch, seq| memtable.apply(batch, seq))?;
        let superblock = state.superblock;
        let mut engine = Self::assemble(volume, superblock, state.manifest, state.levels, options, environment)?;
        engine.memory.memtable = memtable;
        engine.sequence.last = recovered.last_seq;
        engine.sequence.written = recovered.last_seq;
        engine.found_log = recovered.extents;
        match engine.derive_free_set() {
            Ok(free) => engine.tables.free = free,
            // Nothing is written that could go wrong by it.
            Err(error) => damage.push(error),
        }
        engine.damage = damage;
        Ok(engine)
    }

    fn assemble(
        volume: Volume<F>,
        superblock: Superblock,
        manifest: Manifest,
        levels: Levels,
        options: Options,
        environment: Arc<dyn Environment>,
    ) -> Result<Self> {
        let free = FreeSet::derive(Vec::new()).expect("nothing overlaps nothing");
        let table_target = options.table_size();
        let hot_rows = RefCell::new(HotRows::new(HotRows::split(options.cache_size).0));
        let confirmed_ns = environment.monotonic_ns();
        let mut engine = Self {
            sequence: Sequence {
                last: superblock.flushed_seq,
                written: superblock.flushed_seq,
                synced: superblock.synced_seq,
                opened: superblock.flushed_seq,
                base: superblock.flushed_seq,
            },
            group: Group::default(),
            tables: Tables { next_id: superblock.next_table_id, superblock, manifest, levels, free, largest_len: 0 },
            memory: Memory { memtable: Memtable::default(), frozen: None, hot_rows },
            upkeep: Upkeep {
                job: None,
                purge: None,
                covered: Covered::default(),
                owed: 0,
                debt: 0,
                table_target,
                uses_reserve: false,
                cramped_at: None,
                lowered_at: None,
                damaged: FxHashSet::default(),
                error: None,
            },
            volume,
            // What opened the file has done its work, and is not kept for as long as the file is open.
            options: Options { encryption: None, ..options },
            environment,
            log: None,
            found_log: Vec::new(),
            snapshots: Vec::new(),
            failed: None,
            confirmed_ns,
            counters: Counters::default(),
            damage: Vec::new(),
        };
        engine.tables.free = engine.derive_free_set()?;
        engine.measure();
        Ok(engine)
    }

    /// The grid less all that is in use.
    fn derive_free_set(&self) -> Result<FreeSet> {
        let mut used = used_extents(&self.tables.levels, &self.tables.manifest);
        used.extend(&self.found_log);
        FreeSet::derive(used)
            .ok_or_else(|| Error::corrupt("manifest: two things claim one place", "the manifest and the log"))
    }
}
