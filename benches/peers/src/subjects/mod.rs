//! The databases that take part, a file each.

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

/// Those that take part in tables of their own only.
#[cfg(not(target_os = "wasi"))]
pub const OTHERS: [&str; 2] = ["feoxdb", "ferrumdb"];
#[cfg(target_os = "wasi")]
pub const OTHERS: [&str; 0] = [];

/// All that can be built for this host, Ferrolite first and the limit last.
pub fn all() -> Vec<Subject> {
    vec![
        ferrolite::SUBJECT,
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
