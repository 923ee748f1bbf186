//! Queries: which documents, in which order, how many, and what of them.
//!
//! A query's text becomes a [`Filter`], whose conditions are sets of encoded values. Ranges of indexes and the test of a
//! document both come from these sets, and so cannot disagree.

mod extract;
mod filter;
mod filter_text;
mod index_ranges;
mod index_walk;
mod notes;
mod order;
mod plan;
mod projection;
#[expect(clippy::module_inception, reason = "the type that the module is about")]
mod query;
mod rows;
mod run;
mod spelling;
mod standing;
mod token;
mod value_set;
mod walk;

pub use filter::Filter;
pub(super) use filter::each_element;
pub(super) use order::Place;
pub use query::{OrderBy, Query};
pub use rows::Rows;
pub(super) use run::InTransaction;
pub use run::{Explanation, QueryPage};
pub(super) use spelling::instead_of;
pub(super) use standing::StandingQuery;
