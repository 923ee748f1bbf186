//! The program that the tests of kills and of full disks start, natively and under wasmtime.
//!
//! `worker work DIRECTORY SEED STEP` commits and acknowledges until it is killed; `worker full-disk DIRECTORY SEED ROUNDS
//! BYTES` fills the file system of a directory, which has room for about so many bytes, over and over.

mod database;
mod full_disk;
#[path = "../simulation/random.rs"]
mod random;
mod stream;
mod work;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["full-disk", directory, seed, rounds, bytes] => {
            full_disk::run(directory, number(seed), number(rounds), number(bytes))
        }
        ["work", directory, seed, step] => match work::run(directory, number(seed), number(step)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("worker: {error}");
                ExitCode::FAILURE
            }
        },
        _ => panic!("worker: not understood: {words:?}"),
    }
}

fn number(text: &str) -> u64 {
    text.parse().unwrap_or_else(|_| panic!("worker: not a number: {text:?}"))
}
