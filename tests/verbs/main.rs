//! One table of calls and their answers, for every host: `table/README.md` tells of its form.
//!
//! Here it is played by the crate, in memory and on files, natively and on WASI, and by the command-line program. The
//! package plays it in Node and in Chromium: `js/tests/cases/table.mjs`.

mod arguments;
#[cfg(not(target_os = "wasi"))]
mod command_line;
#[path = "../support/directory.rs"]
mod directory;
mod dispatch;
#[cfg(not(target_os = "wasi"))]
#[path = "../cli/harness.rs"]
#[allow(dead_code, reason = "the tests of the program use the rest")]
mod harness;
mod library;
mod table;
mod values;

use directory::Directory;
use ferrolite::fs::{FileSystem, Memory};
use ferrolite::{Cipher, Encryption, Options};
use std::collections::BTreeSet;

/// Plays the whole table by the crate, plain and with each cipher.
fn play_all<S: FileSystem>(fs: &S, persists: bool) {
    let ciphers = [Cipher::Aes256Gcm, Cipher::ChaCha20Poly1305].map(Some);
    let mut wrong = Vec::new();
    for (round, cipher) in [None].into_iter().chain(ciphers).enumerate() {
        let encryption = cipher.map(|cipher| Encryption::key([7; 32]).with_cipher(cipher));
        let options = Options { encryption, ..Options::default() };
        for topic in table::topics() {
            for (index, scenario) in topic.scenarios.iter().enumerate() {
                if scenario.persists && !persists {
                    continue;
                }
                let name = format!("{}-{index}-{round}", topic.name);
                if let Err(told) = library::play(fs, &name, options.clone(), persists, scenario) {
                    wrong.push(format!("{}: {} ({cipher:?}): {told}", topic.name, scenario.name));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_library_answers_as_the_table_says_in_memory() {
    play_all(&Memory::new(), false);
}

#[test]
fn the_library_answers_as_the_table_says_on_files() {
    play_all(&Directory::new("verbs").0, true);
}

#[test]
fn every_verb_is_in_the_table() {
    let topics = table::topics();
    let scenarios: Vec<_> = topics.iter().flat_map(|topic| &topic.scenarios).collect();
    let names: BTreeSet<_> = scenarios.iter().map(|scenario| &scenario.name).collect();
    assert_eq!(names.len(), scenarios.len(), "two scenarios have one name");
    let steps: Vec<_> = scenarios.iter().flat_map(|scenario| scenario.all_steps()).collect();
    let known = dispatch::verbs();
    assert!(known.len() > 40, "{known:?}");
    for verb in known {
        let its: Vec<_> = steps.iter().filter(|step| step.verb == verb).collect();
        assert!(its.iter().any(|step| step.result.is_some() || step.error.is_some()), "{verb} is not in the table");
    }
    for host in steps.iter().flat_map(|step| step.hosts.iter().flatten()) {
        assert!(["rust", "js", "cli"].contains(&host.as_str()), "{host} is no host");
    }
}
