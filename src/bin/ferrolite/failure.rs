//! Failures that stop the program, and their exit codes.

use ferrolite::wording::host_text;
use ferrolite::{Error, ErrorCode};
use serde_json::{Map, Value, json};
use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

/// The answer is no: what was asked for is not there, or not as it should be.
pub const EXIT_NO: u8 = 1;
/// The command line is not understood.
pub const EXIT_USAGE: u8 = 2;
/// The database cannot be opened, read or written.
pub const EXIT_DATABASE: u8 = 3;
/// A key, a value, a condition or an input file cannot be used.
pub const EXIT_INPUT: u8 = 4;
/// The database is damaged.
pub const EXIT_DAMAGED: u8 = 5;

/// WASI's number for an error of the host that has no number of its own.
const WASI_ERRNO_IO: i32 = 29;

/// Why the program cannot do what it was asked for.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: u8,
    code: &'static str,
    message: String,
    /// Figures for `--json`.
    details: Map<String, Value>,
    /// True if answers can no longer be printed, so that continuing has no purpose.
    pub ends_output: bool,
    /// True if there is nothing to print: the failure was reported, or nobody reads.
    silent: bool,
}

impl Failure {
    fn new(exit: u8, code: &'static str, message: impl Display) -> Self {
        Self { exit, code, message: message.to_string(), details: Map::new(), ends_output: false, silent: false }
    }

    /// The command line is not understood.
    pub fn usage(message: impl Display) -> Self {
        Self::new(EXIT_USAGE, "Usage", message)
    }

    /// Something given as input is not what it should be; `code` is the library's name for that.
    pub fn input(code: ErrorCode, message: impl Display) -> Self {
        Self::new(EXIT_INPUT, code.as_str(), message)
    }

    /// A file beside the database cannot be read.
    pub fn reading(name: impl Display, error: &io::Error) -> Self {
        let code = if error.kind() == ErrorKind::NotFound { ErrorCode::NotFound } else { ErrorCode::Io };
        Self::input(code, format!("{name}: {}", host_text(error)))
    }

    /// A file, a pipe or a device that a verb writes cannot be written.
    pub fn writing(name: impl Display, error: &io::Error) -> Self {
        let code = match error.kind() {
            ErrorKind::NotFound => ErrorCode::NotFound,
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => ErrorCode::StorageFull,
            _ => ErrorCode::Io,
        };
        let failure = Self::new(EXIT_DATABASE, code.as_str(), format!("{name}: {}", host_text(error)));
        // A reader that has seen enough, as `head`, is no error.
        let enough = error.kind() == ErrorKind::BrokenPipe;
        Self { exit: if enough { 0 } else { failure.exit }, silent: enough, ..failure }
    }

    /// Standard output cannot be written.
    pub fn printing(error: &io::Error) -> Self {
        let failure = Self::writing("standard output", error);
        // wasmtime reports a reader that has seen enough as an I/O error like any other. Only the exit code can differ.
        let perhaps = cfg!(target_os = "wasi") && error.raw_os_error() == Some(WASI_ERRNO_IO);
        Self { silent: failure.silent || perhaps, ends_output: true, ..failure }
    }

    /// A verb refuses a file that it was given.
    pub fn refused(message: impl Display) -> Self {
        Self::new(EXIT_USAGE, ErrorCode::InvalidOptions.as_str(), message)
    }

    /// A check has found damage.
    pub fn damaged(problems: usize) -> Self {
        let message =
            format!("{problems} damaged places; restore the file from a copy, or `salvage` what can still be read");
        Self::new(EXIT_DAMAGED, ErrorCode::Corrupt.as_str(), message)
    }

    /// Failures that were printed when they happened; only the exit code is left to give.
    pub fn printed(exit: u8) -> Self {
        Self { silent: true, ..Self::new(exit, "", "") }
    }

    /// Blames the input, also for what would be a mistake of the command line.
    pub fn blaming_input(self) -> Self {
        let exit = if self.exit == EXIT_USAGE { EXIT_INPUT } else { self.exit };
        Self { exit, ..self }
    }

    /// Says it in other words.
    pub fn saying(self, message: &str) -> Self {
        Self { message: message.to_owned(), ..self }
    }

    /// Says where it happened.
    pub fn at(mut self, place: impl Display) -> Self {
        self.message = format!("{place}: {}", self.message);
        self
    }

    /// Calls the file `name` in the message by its `path`.
    pub fn at_path(mut self, name: &str, path: &Path) -> Self {
        let start = format!("{name}: ");
        let message = self.message.strip_prefix(&start).unwrap_or(&self.message);
        self.message = format!("{}: {message}", path.display());
        self
    }

    /// Adds what else there is to say.
    pub fn with(mut self, remark: impl Display) -> Self {
        self.message = format!("{} {remark}", self.message);
        self
    }

    /// Adds a figure for `--json`.
    pub fn detail(mut self, name: &str, value: u64) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }

    /// Prints the failure on standard error, as a line of text or of JSON.
    pub fn print(&self, json: bool) {
        if self.silent {
            return;
        }
        if json {
            let mut error = json!({ "code": self.code, "message": self.message });
            if let Value::Object(error) = &mut error {
                error.extend(self.details.clone());
            }
            tell(json!({ "error": error }));
        } else if self.code == "Usage" {
            tell(format_args!("ferrolite: {}", self.message));
        } else {
            tell(format_args!("ferrolite: {}: {}", self.code, self.message));
        }
    }

    /// Prints the failure, and gives the exit code.
    pub fn report(&self, json: bool) -> ExitCode {
        self.print(json);
        ExitCode::from(self.exit)
    }
}

/// Prints a line on standard error. If that cannot be written, the program continues: its exit code and its answers count.
pub fn tell(line: impl Display) {
    io::stderr().write_all(format!("{line}\n").as_bytes()).ok();
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let code = error.code();
        let exit = match code {
            ErrorCode::InvalidOptions => EXIT_USAGE,
            ErrorCode::Conflict => EXIT_NO,
            ErrorCode::InvalidKey
            | ErrorCode::InvalidValue
            | ErrorCode::InvalidCollection
            | ErrorCode::InvalidPath
            | ErrorCode::InvalidCondition
            | ErrorCode::InvalidRange
            | ErrorCode::InvalidTransaction
            | ErrorCode::InvalidPatch
            | ErrorCode::UniqueViolation
            | ErrorCode::TooLarge => EXIT_INPUT,
            ErrorCode::Corrupt | ErrorCode::KeySlotDamaged => EXIT_DAMAGED,
            _ => EXIT_DATABASE,
        };
        Self::new(exit, code.as_str(), error)
    }
}

impl From<lexopt::Error> for Failure {
    fn from(error: lexopt::Error) -> Self {
        use lexopt::Error::{MissingValue, NonUnicodeValue, UnexpectedValue};
        match error {
            MissingValue { option: Some(option) } => Self::usage(format!("{option} needs a value")),
            UnexpectedValue { option, .. } => Self::usage(format!("{option} takes no value")),
            NonUnicodeValue(value) => Self::usage(format!("{value:?} is not UTF-8")),
            _ => Self::usage("an option is not understood; see ferrolite --help"),
        }
    }
}
