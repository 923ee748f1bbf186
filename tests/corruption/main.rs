//! Damage: bytes that change, files that are cut off, pages that are somewhere else or out of date. Whatever is read
//! afterwards is what was there before, or an error that names what is damaged and where.
//!
//! The short form takes a share of every sweep. With `FERROLITE_TORTURE` set the sweeps are complete, and take half
//! an hour or more.

#![expect(clippy::single_range_in_vec_init, reason = "damage is a list of ranges, and often there is one")]

mod bytes;
mod image;
mod judge;
mod lengths;
mod log;
mod pages;
mod reading;
mod samples;
mod sweep;
mod tail;
