//! `repl`: verbs line by line, from a terminal or as a script on standard input.
//!
//! A script gets no prompts and no banner. It continues after a line that fails, and reports the line with its number on
//! standard error, and the exit code is that of the first failure.

use crate::arguments;
use crate::command::Db;
use crate::command::Request;
use crate::command::{Answer, Run};
use crate::failure::Failure;
use crate::help;
use crate::lines::Lines;
use crate::output::Output;
use crate::own_files::OwnFiles;
use crate::words::{key_of, words};
use ferrolite::Range;
use std::io::{self, BufReader, IsTerminal, StdinLock};
use std::rc::Rc;

/// Where verbs come from.
struct Repl<'a> {
    lines: Lines<BufReader<StdinLock<'a>>>,
    terminal: bool,
    own_files: Rc<OwnFiles>,
}

/// Reads and carries out verbs until the end of the input or `EXIT`.
pub fn run(db: &mut Db, repl: &Request, output: &mut Output) -> Result<Answer, Failure> {
    let stdin = io::stdin();
    let terminal = stdin.is_terminal();
    let lines = Lines::new(BufReader::with_capacity(64 << 10, stdin.lock()), "standard input");
    let mut repl = Repl { lines, terminal, own_files: Rc::clone(&repl.own_files) };
    output.answer_always();
    if terminal {
        output.line("ferrolite: HELP lists the verbs, EXIT leaves")?;
    }
    let mut first_failure = None;
    while let Some(result) = repl.next(db, output)? {
        match result {
            Ok(()) => db.tick()?,
            Err(failure) if failure.ends_output => return Err(failure),
            Err(failure) => {
                let failure = if terminal { failure } else { failure.at(format!("line {}", repl.lines.number)) };
                output.flush()?;
                failure.print(output.is_json());
                first_failure.get_or_insert(failure.exit);
            }
        }
    }
    match first_failure {
        Some(exit) if !terminal => Err(Failure::printed(exit)),
        _ => Ok(Answer::Yes),
    }
}

impl Repl<'_> {
    /// Reads and carries out one line. `None` at the end; an error outside is the end too.
    fn next(&mut self, db: &mut Db, output: &mut Output) -> Result<Option<Result<(), Failure>>, Failure> {
        if self.terminal {
            // Nobody ticks while the prompt waits, so what periodic durability has put off is flushed now.
            if db.next_tick().is_some() {
                db.flush()?;
            }
            output.text("> ")?;
            output.flush()?;
        } else if self.lines.is_drained() {
            // Whoever writes the script may wait for the answers so far.
            output.flush()?;
        }
        let line = match self.lines.next() {
            Ok(None) => return Ok(None),
            Ok(Some(line)) => line,
            Err(failure) => return Ok(Some(Err(failure))),
        };
        if line.starts_with('#') {
            return Ok(Some(Ok(())));
        }
        let request = match request_of(line, &self.own_files) {
            Ok(request) => request,
            Err(failure) => return Ok(Some(Err(failure))),
        };
        let result = match request.verb.run {
            Run::Exit => return Ok(None),
            Run::Help => output.line(help::of_repl().trim_end()),
            Run::Verb(run) => run(db, &request, output).map(|_| ()),
            Run::Repl | Run::Load | Run::Salvage | Run::Import | Run::ImportFerrumdb | Run::ChangeKey => {
                Err(Failure::usage("not a verb of the REPL"))
            }
        };
        Ok(Some(result))
    }
}

/// Parses the request of a line.
fn request_of(line: &str, own_files: &Rc<OwnFiles>) -> Result<Request, Failure> {
    let mut request = arguments::parse_line(words(line)?, own_files)?;
    let Request { verb, words, range, .. } = &mut request;
    // Keys and paths may be written as JSON strings; values are JSON as they are.
    let (keys, bounds) = match verb.name {
        "query" | "explain" => (0, false),
        "set" | "increment" | "swap" | "patch" | "merge-patch" | "find" | "push" | "set-file" | "get-file" => {
            (1, false)
        }
        _ => (usize::MAX, true),
    };
    words.iter_mut().take(keys).for_each(|word| *word = key_of(word));
    if bounds {
        let Range { gt, gte, lt, lte, prefix, .. } = range;
        [gt, gte, lt, lte, prefix].into_iter().flatten().for_each(|bound| *bound = key_of(bound));
    }
    if verb.name == "index" {
        index_words(words);
    }
    Ok(request)
}

/// FerrumDB's `INDEX PATH` creates an index; `LIST`, `CREATE` and `DROP` are verbs, in any case.
fn index_words(words: &mut Vec<String>) {
    if let [path] = words.as_slice()
        && !path.eq_ignore_ascii_case("list")
    {
        words.insert(0, "create".to_owned());
    } else if let Some(first) = words.first_mut() {
        first.make_ascii_lowercase();
    }
}
