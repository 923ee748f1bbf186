//! Operations on a complete database: check, salvage, export, import, keys, statistics, receipts.

pub(super) mod check;
pub(super) mod check_parts;
pub(super) mod check_report;
pub(super) mod encryption;
pub(super) mod export;
pub(super) mod import;
#[cfg(any(test, boundary))]
pub(crate) mod receipts;
pub(super) mod salvage;
pub(super) mod salvage_parts;
pub(super) mod salvage_report;
pub(super) mod statistics;
