//! Watching: every committed change once, in the order of the commits.
//!
//! ```text
//! commit ──▶ what it changes ──▶ feed: a bounded queue in memory, while somebody watches ─┬─▶ watcher: how far it has come,
//!                    └─────────▶ change history: entries of the database, if it is kept ──┘    and what is to expire
//! ```
//!
//! A watcher is a position and nothing that commits have to know: they note what they change once for all watchers, and
//! only while there are any, or a change history is kept. Expiries are no commits. A watcher has a list of those in its
//! range, and delivers them between the commits at the time at which reads do not see the documents any more.

mod expiries;
pub(super) mod query;
mod recording;
pub(super) mod watcher;
