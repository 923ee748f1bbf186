//! The databases that take part, a file each.

#[cfg(not(target_os = "wasi"))]
mod feoxdb;
mod ferrolite;
#[cfg(not(target_os = "wasi"))]
mod fjall;
#[cfg(not(target_os = "wasi"))]
mod heed;
mod raw;
mod redb;
#[cfg(feature = "sqlite")]
mod sqlite;

use crate::store::Subject;

#[cfg(not(target_os = "wasi"))]
pub use feoxdb::{IN_MEMORY as FEOXDB_IN_MEMORY, SUBJECT as FEOXDB};
pub use ferrolite::SUBJECT as FERROLITE;
#[cfg(not(target_os = "wasi"))]
pub use ferrolite::{IN_MEMORY as FERROLITE_IN_MEMORY, PERIODIC as FERROLITE_PERIODIC};

/// All that take part in the tables of all: Ferrolite first, and the limit last.
pub fn all() -> Vec<Subject> {
    vec![
        FERROLITE,
        redb::SUBJECT,
        #[cfg(feature = "sqlite")]
        sqlite::SUBJECT,
        #[cfg(not(target_os = "wasi"))]
        fjall::SUBJECT,
        #[cfg(not(target_os = "wasi"))]
        heed::SUBJECT,
        raw::SUBJECT,
    ]
}
