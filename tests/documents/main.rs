//! The document API, over files in memory and simulated ones; each file is about one behaviour.

mod bad_hosts;
mod bad_input;
mod clock;
mod costs;
mod crash;
mod damaged_open;
mod durability;
mod every_fault;
mod exhaustive;
mod failures;
mod find;
mod full_disk;
mod groups;
mod index_build;
mod index_drop;
mod indexes;
mod keys;
mod large;
mod lists;
mod ranges;
mod salvage;
mod snapshots;
mod support;
mod transactions;
mod ttl;
mod verbs;
