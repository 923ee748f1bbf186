//! Ferrolite beside other embedded databases: the same work, at the same durability, in the same run.
//!
//! `peers [--json FILE] [--runs N] [--tables ID,..] [--subjects NAME,..] [--documents N] ...`; `--help` lists all.

mod arguments;
mod counting;
mod documents;
mod measure;
mod plan;
mod report;
mod runner;
mod store;
mod subjects;
mod versions;
mod work;

use std::process::ExitCode;

fn main() -> ExitCode {
    match arguments::parse().and_then(|command| command.run()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("peers: {error:#}");
            ExitCode::FAILURE
        }
    }
}
