//! Parses the command line: options, a command, a database file, and the command's arguments.
//!
//! Options may stand anywhere until `--`. The same parser reads the lines of the REPL, which have no file.

use crate::command::Db;
use crate::command::Request;
use crate::command::Run;
use crate::command::Verb;
use crate::failure::Failure;
use crate::own_files::OwnFiles;
use crate::secrets::{self, Sealing, SecretFile};
use crate::session::Session;
use crate::verbs;
use ferrolite::{Argon2, ChangeHistory, Cipher, Collection, Durability, Range, ttl_from_seconds};
use lexopt::{Arg, Parser, ValueExt};
use std::ffi::OsString;
use std::path::PathBuf;
use std::rc::Rc;
use std::str::FromStr;
use std::time::Duration;

/// The command line.
pub struct Invocation {
    /// True if answers and errors are JSON.
    pub json: bool,
    /// The command.
    pub command: Command,
}

/// The request of the command line.
pub enum Command {
    /// The help text, of one verb or in general.
    Help(Option<&'static Verb>),
    /// The program's version.
    Version,
    /// A verb on a database.
    Run(Session, Box<Request>),
}

/// Everything read so far.
#[derive(Default)]
struct Parsed {
    positionals: Vec<OsString>,
    given: Vec<&'static str>,
    range: Range,
    collection: Option<String>,
    ttl: Option<Duration>,
    keep_ttl: bool,
    if_version: Option<u64>,
    if_absent: bool,
    unique: bool,
    multi: bool,
    since: Option<u64>,
    quick: bool,
    read_only: bool,
    allow_damage: bool,
    json: bool,
    durability: Option<Durability>,
    lock_timeout: Duration,
    change_history: Option<ChangeHistory>,
    key_file: Option<PathBuf>,
    passphrase_file: Option<PathBuf>,
    new_key_file: Option<PathBuf>,
    new_passphrase_file: Option<PathBuf>,
    source_key_file: Option<PathBuf>,
    force: bool,
    plain: bool,
    allow_incomplete: bool,
    cipher: Option<Cipher>,
    argon2: Option<Argon2>,
    help: bool,
    version: bool,
}

/// All options by their long names.
const OPTIONS: &[&str] = &[
    "collection",
    "prefix",
    "gt",
    "gte",
    "lt",
    "lte",
    "limit",
    "reverse",
    "ttl",
    "keep-ttl",
    "if-version",
    "if-absent",
    "unique",
    "multi",
    "since",
    "quick",
    "read-only",
    "allow-damage",
    "json",
    "durability",
    "lock-timeout",
    "change-history",
    "key-file",
    "passphrase-file",
    "new-key-file",
    "new-passphrase-file",
    "source-key-file",
    "force",
    "plain",
    "allow-incomplete",
    "cipher",
    "argon2",
    "help",
    "version",
];

/// The options for all verbs; a line of the REPL cannot change them.
const GENERAL: [&str; 11] = [
    "allow-damage",
    "json",
    "durability",
    "lock-timeout",
    "change-history",
    "key-file",
    "passphrase-file",
    "cipher",
    "argon2",
    "help",
    "version",
];

/// Reads the process's arguments.
pub fn parse_command_line() -> Result<Invocation, Failure> {
    let parsed = Parsed::read(Parser::from_env())?;
    let json = parsed.json;
    Ok(Invocation { json, command: parsed.into_command()? })
}

/// Reads the words of a line of the REPL.
pub fn parse_line(words: Vec<String>, own_files: &Rc<OwnFiles>) -> Result<Request, Failure> {
    let parsed = Parsed::read(Parser::from_args(words))?;
    if let Some(option) = parsed.given.iter().find(|option| GENERAL.contains(option)) {
        return Err(Failure::usage(format!("--{option} is given to the program, not in the REPL")));
    }
    let mut words = parsed.words()?.into_iter();
    let name = words.next().unwrap_or_default();
    let verb = verbs::in_repl(&name.to_lowercase())
        .ok_or_else(|| Failure::usage(format!("there is no verb {name}; HELP lists them")))?;
    parsed.into_request(verb, words.collect(), own_files, true)
}

impl Request {
    /// The collection that `--collection` names, or the default one.
    pub fn documents<'a>(&self, db: &'a mut Db) -> Result<Collection<&'a mut Db>, Failure> {
        match &self.collection {
            Some(name) => Ok(db.collection_mut(name)?),
            None => Ok(db.default_collection_mut()),
        }
    }
}

impl Parsed {
    fn read(mut parser: Parser) -> Result<Self, Failure> {
        let mut parsed = Self::default();
        loop {
            if let Some(number) = negative_number(&mut parser) {
                parsed.positionals.push(number);
                continue;
            }
            match parser.next()? {
                None => return Ok(parsed),
                Some(Arg::Value(value)) => parsed.positionals.push(value),
                Some(Arg::Short('h')) => parsed.help = true,
                Some(Arg::Short('V')) => parsed.version = true,
                Some(Arg::Short(option)) => {
                    return Err(Failure::usage(format!(
                        "there is no option -{option}; put `--` before arguments that start with a dash"
                    )));
                }
                Some(Arg::Long(option)) => {
                    let option = option.to_owned();
                    parsed.option(&option, &mut parser)?;
                }
            }
        }
    }

    fn option(&mut self, option: &str, parser: &mut Parser) -> Result<(), Failure> {
        let Some(name) = OPTIONS.iter().copied().find(|known| *known == option) else {
            return Err(Failure::usage(format!("there is no option --{option}; see ferrolite --help")));
        };
        if self.given.contains(&name) {
            return Err(Failure::usage(format!("--{name} is given twice")));
        }
        self.given.push(name);
        let mut text = || -> Result<String, Failure> { Ok(parser.value()?.string()?) };
        match name {
            "collection" => self.collection = Some(text()?),
            "prefix" => self.range.prefix = Some(text()?),
            "gt" => self.range.gt = Some(text()?),
            "gte" => self.range.gte = Some(text()?),
            "lt" => self.range.lt = Some(text()?),
            "lte" => self.range.lte = Some(text()?),
            "limit" => self.range.limit = Some(number(name, COUNT, parser)?),
            "reverse" => self.range.reverse = true,
            "ttl" => self.ttl = Some(ttl_from_seconds(number(name, "a number of seconds", parser)?)?),
            "keep-ttl" => self.keep_ttl = true,
            "if-version" => self.if_version = Some(number(name, COUNT, parser)?),
            "if-absent" => self.if_absent = true,
            "unique" => self.unique = true,
            "multi" => self.multi = true,
            "since" => self.since = Some(number(name, COUNT, parser)?),
            "quick" => self.quick = true,
            "read-only" => self.read_only = true,
            "allow-damage" => self.allow_damage = true,
            "json" => self.json = true,
            "durability" => self.durability = Some(text()?.parse()?),
            "lock-timeout" => self.lock_timeout = Duration::from_millis(number(name, COUNT, parser)?),
            "change-history" => {
                self.change_history = Some(ChangeHistory { seconds: number(name, COUNT, parser)? });
            }
            "key-file" => self.key_file = Some(parser.value()?.into()),
            "passphrase-file" => self.passphrase_file = Some(parser.value()?.into()),
            "new-key-file" => self.new_key_file = Some(parser.value()?.into()),
            "new-passphrase-file" => self.new_passphrase_file = Some(parser.value()?.into()),
            "source-key-file" => self.source_key_file = Some(parser.value()?.into()),
            "force" => self.force = true,
            "plain" => self.plain = true,
            "allow-incomplete" => self.allow_incomplete = true,
            "cipher" => self.cipher = Some(text()?.parse().map_err(Failure::usage)?),
            "argon2" => self.argon2 = Some(secrets::argon2_of(&text()?)?),
            "help" => self.help = true,
            _ => self.version = true,
        }
        Ok(())
    }

    fn into_command(mut self) -> Result<Command, Failure> {
        if self.version {
            return Ok(Command::Version);
        }
        let mut positionals = self.positionals.iter();
        let Some(name) = positionals.next() else {
            return if self.help {
                Ok(Command::Help(None))
            } else {
                Err(Failure::usage("no verb; see ferrolite --help"))
            };
        };
        let name = name.to_string_lossy();
        let verb = verbs::in_shell(&name)
            .ok_or_else(|| Failure::usage(format!("there is no verb {name}; see ferrolite --help")))?;
        if self.help {
            return Ok(Command::Help(Some(verb)));
        }
        if matches!(verb.run, Run::Help) {
            let about = positionals.next().and_then(|name| verbs::in_shell(&name.to_string_lossy()));
            return Ok(Command::Help(about));
        }
        let Some(file) = positionals.next().map(PathBuf::from) else {
            return Err(verb.misused(false));
        };
        let words = self.words()?.split_off(2);
        let secrets = [&self.key_file, &self.passphrase_file, &self.new_key_file, &self.new_passphrase_file];
        let secrets = secrets.into_iter().chain([&self.source_key_file]).flatten().cloned();
        let own_files = Rc::new(OwnFiles::new(file.clone(), secrets));
        let sealing = self.take_sealing(verb)?;
        let session = Session::new(file, self.durability, sealing)?
            .with_history(self.change_history)
            .waiting_for_lock(self.lock_timeout);
        let request = self.into_request(verb, words, &own_files, false)?;
        Ok(Command::Run(session, Box::new(request)))
    }

    /// The key or passphrase of the database, and its encryption.
    fn take_sealing(&mut self, verb: &Verb) -> Result<Sealing, Failure> {
        let secret = SecretFile::one_of(self.key_file.take(), self.passphrase_file.take())?;
        let changes_key = matches!(verb.run, Run::ChangeKey);
        if changes_key && self.cipher.is_some() {
            return Err(Failure::usage("the cipher of a database stays; `dump` it and `load` it into a new one"));
        }
        if secret.is_none() && self.cipher.is_some() {
            return Err(Failure::usage("--cipher wants --key-file or --passphrase-file"));
        }
        let has_passphrase = matches!(secret, Some(SecretFile::Passphrase(_)));
        if self.argon2.is_some() && !has_passphrase && !changes_key {
            return Err(Failure::usage("--argon2 wants --passphrase-file"));
        }
        Ok(Sealing { secret, cipher: self.cipher, argon2: self.argon2 })
    }

    fn into_request(
        self,
        verb: &'static Verb,
        words: Vec<String>,
        own_files: &Rc<OwnFiles>,
        in_repl: bool,
    ) -> Result<Request, Failure> {
        let foreign = |option: &&&str| !GENERAL.contains(option) && !verb.options.contains(option);
        if let Some(option) = self.given.iter().find(foreign) {
            return Err(Failure::usage(format!("`{}` does not take --{option}", verb.name)));
        }
        if !verb.words.contains(&words.len()) {
            return Err(verb.misused(in_repl));
        }
        let secret = SecretFile::one_of(self.new_key_file, self.new_passphrase_file)?;
        let new_sealing = Sealing { secret, cipher: None, argon2: self.argon2 };
        let Self { range, collection, ttl, keep_ttl, if_version, if_absent, unique, multi, since, quick, .. } = self;
        let Self { read_only, allow_damage, source_key_file, force, plain, allow_incomplete, .. } = self;
        Ok(Request {
            verb,
            words,
            range,
            collection,
            ttl,
            keep_ttl,
            if_version,
            if_absent,
            unique,
            multi,
            since,
            quick,
            read_only,
            allow_damage,
            new_sealing,
            source_key_file,
            force,
            plain,
            allow_incomplete,
            own_files: Rc::clone(own_files),
            in_repl,
        })
    }

    /// The arguments that are not options, as text.
    fn words(&self) -> Result<Vec<String>, Failure> {
        let text = |word: &OsString| {
            word.to_str().map(str::to_owned).ok_or_else(|| Failure::usage(format!("{word:?} is not UTF-8")))
        };
        self.positionals.iter().map(text).collect()
    }
}

/// Names the values that most options take.
const COUNT: &str = "a whole number, 0 or above";

/// The value of the option `name`, which must be a number, as `rule` says.
fn number<T: FromStr>(name: &str, rule: &str, parser: &mut Parser) -> Result<T, Failure> {
    let text = parser.value()?.string()?;
    text.parse().map_err(|_| Failure::usage(format!("--{name} must be {rule}, not {text:?}")))
}

/// The next argument when it is a negative number: no option looks like one, and JSON does.
fn negative_number(parser: &mut Parser) -> Option<OsString> {
    let mut rest = parser.try_raw_args()?;
    let digit = |text: &str| text.strip_prefix('-').is_some_and(|text| text.starts_with(|c: char| c.is_ascii_digit()));
    if rest.peek()?.to_str().is_some_and(digit) { rest.next() } else { None }
}
