//! Running the program in a directory of its own.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// The program, and the directory it is run in.
pub struct Cli {
    directory: Arc<Directory>,
    host: Host,
}

/// A directory that is removed in the end.
struct Directory(PathBuf);

/// What runs the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// The machine itself.
    Native,
    /// `wasmtime`, with this module.
    Wasmtime(PathBuf),
}

/// What a run has left.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Host {
    /// The one that the environment asks for.
    pub fn of_environment() -> Self {
        match std::env::var_os("FERROLITE_WASM") {
            None => Self::Native,
            Some(path) => {
                let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
                assert!(path.is_file(), "FERROLITE_WASM: {} is not there", path.display());
                Self::Wasmtime(path)
            }
        }
    }
}

impl Cli {
    /// The program on the host that the environment asks for, in a new directory.
    pub fn new() -> Self {
        Self::on(Host::of_environment())
    }

    /// The native program, for what only native files have: locks and permissions.
    pub fn native() -> Self {
        Self::on(Host::Native)
    }

    fn on(host: Host) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let directory = std::env::temp_dir().join(format!("ferrolite-cli-{}-{number}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        Self { directory: Arc::new(Directory(directory)), host }
    }

    /// The same directory, with the program on another host.
    pub fn beside(&self, host: Host) -> Self {
        Self { directory: Arc::clone(&self.directory), host }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.0.join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// The command that runs the program with `arguments` and `environment`.
    pub fn command(&self, arguments: &[impl AsRef<OsStr>], environment: &[(&str, &str)]) -> Command {
        let mut command = match &self.host {
            Host::Native => Command::new(env!("CARGO_BIN_EXE_ferrolite")),
            Host::Wasmtime(module) => {
                let mut command = Command::new("wasmtime");
                command.args(["run", "--dir", "."]);
                for (name, value) in environment {
                    command.arg("--env").arg(format!("{name}={value}"));
                }
                command.arg(module);
                command
            }
        };
        command.args(arguments).current_dir(&self.directory.0).env_remove("FERROLITE_DURABILITY");
        command.envs(environment.iter().copied());
        command
    }

    /// Runs the program without input.
    pub fn run(&self, arguments: &[impl AsRef<OsStr>]) -> Run {
        self.run_with(arguments, "")
    }

    /// Runs the program with `input` on standard input.
    pub fn run_with(&self, arguments: &[impl AsRef<OsStr>], input: impl AsRef<[u8]>) -> Run {
        self.finish(self.command(arguments, &[]), input.as_ref())
    }

    /// Runs a command with `input` on standard input.
    pub fn finish(&self, mut command: Command, input: &[u8]) -> Run {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        // A program that stops reading is no failure of the test.
        let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let run =
            Run { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) };
        assert!((0..=5).contains(&run.code), "the program has not ended by itself: {run:?}");
        run
    }

    /// Runs the program, which must succeed and say nothing on standard error; gives what it printed.
    pub fn ok(&self, arguments: &[impl AsRef<OsStr>]) -> String {
        self.run(arguments).ok()
    }

    /// Starts a REPL, to talk with while other programs run.
    pub fn talk(&self, arguments: &[&str]) -> Talk {
        let mut command = self.command(arguments, &[]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Talk { child, stdin, stdout }
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Run {
    /// What it printed; it must have succeeded.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!((self.code, self.stderr.as_str()), (0, ""), "stdout: {}", self.stdout);
        self.stdout
    }

    /// What it printed on standard error; it must have ended with `code`.
    #[track_caller]
    pub fn fails(self, code: i32) -> String {
        assert_eq!(self.code, code, "{self:?}");
        self.stderr
    }

    /// The same, and the message must hold each of `parts`.
    #[track_caller]
    pub fn fails_with(self, code: i32, parts: &[&str]) {
        let message = self.fails(code);
        for part in parts {
            assert!(message.contains(part), "no {part:?} in: {message}");
        }
    }
}

/// A REPL that is running.
pub struct Talk {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Talk {
    /// Sends a line.
    pub fn send(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().unwrap();
        writeln!(stdin, "{line}").unwrap();
        stdin.flush().unwrap();
    }

    /// Sends a line and waits for a line of answer.
    pub fn ask(&mut self, line: &str) -> String {
        self.send(line);
        self.line().trim_end().to_owned()
    }

    /// The next line of answer.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line
    }

    /// Closes the program's output without reading the rest, and waits for its end.
    pub fn stop_reading(mut self) -> Run {
        drop(self.stdin.take());
        drop(self.stdout);
        let output = self.child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        Run { code: output.status.code().unwrap_or(-1), stdout: String::new(), stderr }
    }

    /// Ends the input and waits for the end of the program.
    pub fn end(mut self) -> Run {
        drop(self.stdin.take());
        let mut stdout = String::new();
        std::io::Read::read_to_string(&mut self.stdout, &mut stdout).unwrap();
        let output = self.child.wait_with_output().unwrap();
        Run { code: output.status.code().unwrap_or(-1), stdout, stderr: String::from_utf8(output.stderr).unwrap() }
    }
}
