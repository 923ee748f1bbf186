//! `ferrolite`: Ferrolite's command-line program, for WASI and natively.
//!
//! | module | what it does |
//! | --- | --- |
//! | `arguments` | what the user said, on the command line or in a line of the REPL |
//! | `verbs` | the table of verbs, and the short ones |
//! | `repl`, `load`, `dump` | the verbs that read or write streams |
//! | `session` | opening the database file as a verb needs it, and closing it |
//! | `output`, `failure` | answers on standard output; errors on standard error, and exit codes |
//! | `target`, `own_files` | the files that verbs write, and the files that they must not write over |
//! | `secrets` | keys and passphrases, from files and from the terminal |
//! | `words`, `lines` | cutting input into words and lines |
//! | `help` | the help texts |

// A standard error or output that cannot be written must not end the program: `failure::tell` and `Output` write.
#![deny(clippy::print_stderr, clippy::print_stdout)]

mod arguments;
mod command;
mod dump;
mod failure;
mod help;
mod lines;
mod load;
mod output;
mod own_files;
mod paths;
mod repl;
mod secrets;
mod session;
mod tally;
mod target;
mod verbs;
mod words;

use crate::arguments::Command;
use crate::command::Request;
use crate::command::{Answer, Run};
use crate::failure::{EXIT_NO, Failure};
use crate::output::Output;
use crate::session::Session;
use std::process::ExitCode;

fn main() -> ExitCode {
    let invocation = match arguments::parse_command_line() {
        Ok(invocation) => invocation,
        // Arguments that cannot be parsed do not show it, so the simplest test must suffice.
        Err(failure) => return failure.report(std::env::args_os().any(|argument| argument == "--json")),
    };
    let mut output = Output::new(invocation.json);
    let result = match invocation.command {
        Command::Help(verb) => output.line(help::text(verb).trim_end()).map(|()| Answer::Yes),
        Command::Version => output.line(concat!("ferrolite ", env!("CARGO_PKG_VERSION"))).map(|()| Answer::Yes),
        Command::Run(session, request) => run(&session, &request, &mut output),
    };
    // Answers before a failure are printed before it.
    let flushed = output.flush();
    match result.and_then(|answer| flushed.map(|()| answer)) {
        Ok(Answer::Yes) => ExitCode::SUCCESS,
        Ok(Answer::No) => ExitCode::from(EXIT_NO),
        Err(failure) => failure.report(invocation.json),
    }
}

fn run(session: &Session, request: &Request, output: &mut Output) -> Result<Answer, Failure> {
    request.own_files.check_output()?;
    match request.verb.run {
        Run::Verb(run) => session.with_database(request, |db| run(db, request, output)),
        Run::Repl => session.with_database(request, |db| repl::run(db, request, output)),
        Run::Load => {
            // Opened first, so that no database is created for input that is not there.
            let source = load::Source::open(request)?;
            session.with_database(request, |db| load::run(db, request, source, output))
        }
        Run::ChangeKey => verbs::keys::change(session, request, output),
        Run::Salvage => verbs::salvage::run(session, request, output),
        Run::Import => verbs::transfer::import(session, request, output),
        Run::ImportFerrumdb => verbs::import::run(session, request, output),
        Run::Help | Run::Exit => Err(Failure::usage(format!("`{}` is a verb of the REPL", request.verb.name))),
    }
}
