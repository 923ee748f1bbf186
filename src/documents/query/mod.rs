//! Queries: which documents, in which order, how many, and what of them.
//!
//! A query's text becomes a [`Filter`], whose conditions are sets of encoded values. Ranges of indexes and the test of a
//! document both come from these sets, and so cannot disagree.

pub(super) mod condition;
pub(super) mod context;
mod extract;
pub(super) mod filter;
mod filter_text;
pub(super) mod filter_tree;
pub(super) mod find;
mod index_ranges;
mod index_walk;
mod notes;
pub(super) mod order;
mod plan;
mod projection;
#[expect(clippy::module_inception, reason = "the type that the module is about")]
pub(super) mod query;
pub(super) mod rows;
pub(super) mod run;
pub(super) mod spelling;
pub(super) mod standing;
mod token;
mod value_set;
mod walk;
