//! What went wrong in other stores stays right here: each test is about one mistake that has cost somebody data, and says
//! why it matters.

mod batches;
mod deletion;
mod durability;
mod indexes;
mod lifetimes;
mod log_tail;
mod reads;
#[path = "../documents/support/mod.rs"]
mod support;
mod tables;
mod versions;
