//! The table by the command-line program: each step is a line of its REPL with `--json`, and what it answers in JSON is
//! what the step gives. [`command`] tells which line, and how the answer is read.
//!
//! A scenario with a step for which there is no command is left out as a whole.

use crate::arguments::Arguments;
use crate::harness::{Cli, Talk};
use crate::library::judge;
use crate::table::{Scenario, Step, topics};
use crate::values::{Kept, none};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

/// What `hosts` in the table calls this one.
const HOST: &str = "cli";
/// What the program is asked for to see where an answer ends: there is no document at this key.
const END: &str = "the end of the answer";

/// Makes of the lines of an answer what the verb gives.
type Reading = fn(Vec<Value>) -> Value;

/// The line for a step, and how its answer is read. `None` when there is no command.
fn command(step: &Step, args: &Arguments) -> Option<(String, Reading)> {
    let word = |place: usize| args.given(place).to_string();
    let perhaps = |place: usize| args.perhaps_json(place).unwrap_or_else(|| "none".to_owned());
    let one = |line: String, reading: Reading| Some((line, reading));
    let (line, reading) = match step.verb.as_str() {
        "get" => one(format!("get {}", word(0)), |lines| field(&lines, "value")),
        "getDocument" => one(format!("get {}", word(0)), |lines| versioned(&lines[0])),
        // The command says the same of a document that it does not print.
        "has" => one(format!("get {}", word(0)), |lines| json!(lines[0].get("value").is_some())),
        "getMany" => {
            let keys: Vec<_> = args.texts(0).iter().map(|key| json!(key).to_string()).collect();
            let is_told = !keys.is_empty();
            let all: Reading =
                |lines| lines.iter().map(|line| line.get("value").cloned().unwrap_or_else(none)).collect();
            is_told.then(|| (format!("get {}", keys.join(" ")), all))
        }
        "set" => {
            one(format!("set {} {}{}", word(0), word(1), set_options(args.value(2))), |lines| field(&lines, "version"))
        }
        "setEx" => one(format!("set {} {} --ttl {}", word(0), word(1), word(2)), |lines| field(&lines, "version")),
        "delete" => one(format!("delete {}", word(0)), |lines| json!(lines[0]["deleted"] == json!(1))),
        "deleteRange" => one(format!("delete{}", some_range(args.given(0))), |lines| field(&lines, "deleted")),
        "ttl" => one(format!("ttl {}", word(0)), |lines| field(&lines, "ttl")),
        "expire" => one(format!("expire {} {}", word(0), word(1)), |lines| field(&lines, "expires")),
        "persist" => one(format!("persist {}", word(0)), |lines| field(&lines, "persisted")),
        "increment" => one(format!("increment {} {}", word(0), args.by(1)), |lines| field(&lines, "value")),
        "compareAndSwap" => {
            one(format!("swap {} {} {}", word(0), perhaps(1), perhaps(2)), |lines| field(&lines, "swapped"))
        }
        "rename" => one(format!("rename {} {}", word(0), word(1)), |lines| field(&lines, "renamed")),
        "patch" => one(format!("patch {} {}", word(0), word(1)), |lines| field(&lines, "patched")),
        "mergePatch" => one(format!("merge-patch {} {}", word(0), word(1)), |lines| field(&lines, "patched")),
        "count" if args.is_query(0) => None,
        "count" => one(format!("count{}", range(args.value(0))), |lines| field(&lines, "count")),
        "keys" => one(format!("keys{}", range(args.value(0))), Value::Array),
        "values" => one(format!("scan{}", range(args.value(0))), |lines| each(&lines, |line| line["value"].clone())),
        "entries" | "scan" => one(format!("scan{}", range(args.value(0))), |lines| {
            each(&lines, |line| json!([line["key"], line["value"]]))
        }),
        "find" => one(format!("find {}{}", word(0), condition(args)?), Value::Array),
        "query" => one(format!("query {}", word(0)), |lines| each(&lines, row)),
        "findOne" => {
            let mut query = args.given(0).clone();
            query["limit"] = json!(1);
            one(format!("query {query}"), |lines| lines.first().map_or_else(none, row))
        }
        "explain" => one(format!("explain {}", word(0)), first),
        "createIndex" => one(format!("index create{}", index(args)?), |lines| field(&lines, "created")),
        "dropIndex" => one(format!("index drop{}", index(args)?), |lines| field(&lines, "dropped")),
        "indexes" => one("index list".to_owned(), Value::Array),
        "push" => {
            let elements: String = args.rest(2).iter().map(|element| format!(" {element}")).collect();
            one(format!("push {} {}{elements}", word(0), args.text(1)), |lines| field(&lines, "length"))
        }
        "pop" => one(format!("pop {} {}", word(0), args.text(1)), |lines| field(&lines, "value")),
        "range" => one(format!("elements {} {} {}", word(0), word(1), word(2)), |lines| {
            each(&lines, |line| line["value"].clone())
        }),
        "length" => one(format!("length {}", word(0)), |lines| field(&lines, "length")),
        "trim" => one(format!("trim {} {} {}", word(0), word(1), word(2)), |lines| field(&lines, "length")),
        "collections" => one("collections".to_owned(), |lines| each(&lines, |line| line["collection"].clone())),
        "dropCollection" => one(format!("drop-collection {}", word(0)), |lines| field(&lines, "dropped")),
        "stats" => one("info".to_owned(), first),
        "check" if args.value(0).is_some_and(|options| options["full"] == json!(true)) => {
            one("check".to_owned(), first)
        }
        "check" => one("check --quick".to_owned(), first),
        "compact" => one("compact".to_owned(), |_| none()),
        _ => None,
    }?;
    let is_for_another = step.snapshot.is_some();
    let collection = step.collection.iter().fold(String::new(), |_, name| format!(" --collection={name}"));
    (!is_for_another).then(|| (line + &collection, reading))
}

fn first(lines: Vec<Value>) -> Value {
    lines.into_iter().next().expect("an answer")
}

fn field(lines: &[Value], name: &str) -> Value {
    lines[0].get(name).cloned().unwrap_or_else(none)
}

fn each(lines: &[Value], part: fn(&Value) -> Value) -> Value {
    lines.iter().map(part).collect()
}

fn versioned(line: &Value) -> Value {
    let Some(value) = line.get("value") else { return none() };
    let expires = line.get("expires").cloned().unwrap_or_else(none);
    json!({ "key": line["key"], "document": value, "version": line["version"], "expiresAt": expires })
}

/// The program tells of rows when they expire, too.
fn row(line: &Value) -> Value {
    let mut row = line.clone();
    row.as_object_mut().expect("a row").remove("expires");
    row
}

fn set_options(options: Option<&Value>) -> String {
    let names = [("ttl", "ttl"), ("keepTtl", "keep-ttl"), ("ifVersion", "if-version"), ("ifAbsent", "if-absent")];
    let mut line = String::new();
    for (field, option) in names {
        match options.and_then(|options| options.get(field)) {
            None | Some(Value::Bool(false)) => {}
            Some(Value::Bool(true)) => write!(line, " --{option}").unwrap(),
            Some(value) => write!(line, " --{option} {value}").unwrap(),
        }
    }
    line
}

/// Bounds are JSON strings, and other fields what they are.
fn range(range: Option<&Value>) -> String {
    let none = Map::new();
    let mut line = String::new();
    for (name, value) in range.map_or(&none, |range| range.as_object().expect("a range")) {
        match value {
            Value::Bool(true) => write!(line, " --{name}").unwrap(),
            value => write!(line, " --{name} {value}").unwrap(),
        }
    }
    line
}

/// The command wants to hear it when all documents are to go.
fn some_range(given: &Value) -> String {
    let is_bounded = ["gt", "gte", "lt", "lte", "prefix"].iter().any(|bound| given.get(bound).is_some());
    range(Some(given)) + if is_bounded { "" } else { " --prefix \"\"" }
}

/// What `find` looks for. It takes bounds, and no other objects; and no offset or cursor.
fn condition(args: &Arguments) -> Option<String> {
    let options = args.value(2).and_then(Value::as_object).cloned().unwrap_or_default();
    let is_known = options.keys().all(|name| ["limit", "reverse"].contains(&name.as_str()));
    let condition = match args.given(1) {
        Value::Object(bounds) => {
            let is_bound = |name: &String| ["gt", "gte", "lt", "lte"].contains(&name.as_str());
            (!bounds.is_empty() && bounds.keys().all(is_bound)).then(|| range(Some(args.given(1))))?
        }
        value => format!(" {value}"),
    };
    is_known.then(|| condition + &range(args.value(2)))
}

fn index(args: &Arguments) -> Option<String> {
    let paths = match args.given(0) {
        Value::Array(paths) if paths.is_empty() => return None,
        Value::Array(paths) => paths.clone(),
        path => vec![path.clone()],
    };
    let words: String = paths.iter().map(|path| format!(" {path}")).collect();
    Some(words + &range(args.value(1)))
}

/// Whether there are commands for all of it.
fn is_sayable(scenario: &Scenario) -> bool {
    let is_sayable = |step: &Step| {
        let args = Arguments(step.args.iter().map(|value| Kept::anything().resolve(value)).collect());
        ["reopen", "sleep"].contains(&step.verb.as_str()) || command(step, &args).is_some()
    };
    scenario.steps.iter().filter(|step| step.is_for(HOST)).all(is_sayable)
}

/// A REPL, and which of its lines have to fail.
struct Session<'a> {
    cli: &'a Cli,
    arguments: Vec<&'a str>,
    talk: Option<Talk>,
    lines: usize,
    errors: BTreeMap<usize, String>,
    is_read_only: bool,
    kept: Kept,
}

impl Session<'_> {
    fn play(mut self, scenario: &Scenario) -> Result<(), String> {
        for (index, step) in scenario.steps.iter().enumerate().filter(|(_, step)| step.is_for(HOST)) {
            let args = Arguments(step.args.iter().map(|value| self.kept.resolve(value)).collect());
            match step.verb.as_str() {
                "reopen" => {
                    self.end()?;
                    self.is_read_only = step.is_read_only();
                }
                "sleep" => std::thread::sleep(Duration::from_millis(args.given(0).as_u64().expect("milliseconds"))),
                _ => {
                    let place = |wrong| format!("step {index}, {}: {wrong}", step.verb);
                    if let Err(wrong) = self.step(step, &args) {
                        let told = self.end().err().unwrap_or_default();
                        return Err(place(format!("{wrong} {told}")));
                    }
                }
            }
        }
        self.end()
    }

    fn step(&mut self, step: &Step, args: &Arguments) -> Result<(), String> {
        let (line, reading) = command(step, args).expect("there are commands for all of it");
        let answer = self.ask(&line)?;
        if let Some(code) = &step.error {
            self.errors.insert(self.lines - 1, code.clone());
            return if answer.is_empty() { Ok(()) } else { Err(format!("expected {code}, and got {answer:?}")) };
        }
        let has_lines = matches!(step.verb.as_str(), "get" | "getDocument" | "has" | "set" | "setEx" | "delete");
        if answer.is_empty() && has_lines {
            return Err(format!("no answer to {line}"));
        }
        judge(Ok(reading(answer)), step, &mut self.kept)
    }

    /// The lines that answer a line.
    fn ask(&mut self, line: &str) -> Result<Vec<Value>, String> {
        let Self { cli, arguments, talk, is_read_only, .. } = self;
        let read_only: &[&str] = if *is_read_only { &["--read-only"] } else { &[] };
        let talk = talk.get_or_insert_with(|| cli.talk(&[arguments, read_only].concat()));
        talk.send(line);
        talk.send(&format!("get {}", json!(END)));
        self.lines += 2;
        let mut answer = Vec::new();
        loop {
            let said = talk.line();
            let value: Value =
                serde_json::from_str(&said).map_err(|error| format!("the answer to {line} is {said:?}: {error}"))?;
            if value == json!({ "key": END }) {
                return Ok(answer);
            }
            answer.push(value);
        }
    }

    /// Ends the program. The lines that had to fail have, each with its code, and no others.
    fn end(&mut self) -> Result<(), String> {
        self.lines = 0;
        let expected = std::mem::take(&mut self.errors);
        let Some(talk) = self.talk.take() else { return Ok(()) };
        let run = talk.end();
        let mut errors = BTreeMap::new();
        // A query with a limit says there where its next page begins, and one without rows why it may find nothing.
        let is_error = |line: &&str| !line.starts_with("more: ") && !line.starts_with("note: ");
        for line in run.stderr.lines().filter(is_error) {
            let told: Value = serde_json::from_str(line).map_err(|_| line.to_owned())?;
            let error = &told["error"];
            let message = error["message"].as_str().unwrap_or_default();
            let number = message.strip_prefix("line ").and_then(|rest| rest.split(':').next()?.parse().ok());
            errors
                .insert(number.ok_or_else(|| line.to_owned())?, error["code"].as_str().unwrap_or_default().to_owned());
        }
        if errors == expected { Ok(()) } else { Err(format!("expected {expected:?}, and said {}", run.stderr)) }
    }
}

/// Plays the table with these options, and returns how many scenarios there are commands for, and how many there are.
fn play_all(options: &[&str]) -> (usize, usize) {
    let cli = Cli::new();
    cli.write("key", [7; 32]);
    let (mut wrong, mut played, mut all) = (Vec::new(), 0, 0);
    for topic in topics() {
        for (index, scenario) in topic.scenarios.iter().enumerate() {
            all += 1;
            if !is_sayable(scenario) {
                continue;
            }
            played += 1;
            let file = format!("{}-{index}.db", topic.name);
            let arguments = [&["repl", &file, "--json"], options].concat();
            let (kept, errors) = (Kept::default(), BTreeMap::new());
            let session = Session { cli: &cli, arguments, talk: None, lines: 0, errors, is_read_only: false, kept };
            if let Err(told) = session.play(scenario) {
                wrong.push(format!("{}: {}: {told}", topic.name, scenario.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    (played, all)
}

#[test]
fn the_command_line_answers_as_the_table_says() {
    let (played, all) = play_all(&[]);
    println!("{played} of {all} scenarios have a command for each step");
    assert!(played * 100 >= all * 60, "{played} of {all} scenarios have a command for each step");
}

#[test]
fn the_command_line_answers_the_same_on_encrypted_files() {
    play_all(&["--key-file", "key"]);
}
