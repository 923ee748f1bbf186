//! The command line.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use lexopt::{Arg, Parser, ValueExt};

use crate::plan::Plan;
use crate::report::{Report, date};
use crate::work::space;
use crate::{runner, versions, work};

const HELP: &str = "\
peers [OPTIONS]           measure, and print tables; about seven minutes, or half of one with
                          --runs 1 --documents 10000 --reads 10000 --durable-commits 100 --largest 100000
  --json FILE             write the results there, too
  --name NAME             of the results (native)
  --runs N                runs, of which medians are taken (5)
  --tables ID,...         only these tables: {tables}
  --subjects NAME,...     only these databases
  --documents N           documents of most tables (50000)
  --reads N               reads of each kind (50000)
  --durable-commits N     commits that are flushed one by one (500)
  --largest N             the largest database of the table of growth, at most 10000000 (1000000)
  --cache MIB             memory for pages that were read (64)
  --directory DIR         where the databases are (target/bench/peers)
  --machine JSON          what the results say of the machine, for hosts that cannot tell; as --print-machine prints it
  --memory-of NAME        print how much memory a database takes at most, and do nothing else
  --version-of NAME=V     a version that the results tell, too
";

pub struct Command {
    plan: Plan,
    name: String,
    json: Option<PathBuf>,
    machine: Option<String>,
    versions: Vec<(String, String)>,
    print_machine: bool,
    memory_of: Option<String>,
}

pub fn parse() -> Result<Command> {
    let mut command = Command {
        plan: Plan::default(),
        name: "native".into(),
        json: None,
        machine: None,
        versions: Vec::new(),
        print_machine: false,
        memory_of: None,
    };
    let mut parser = Parser::from_env();
    let list = |text: String| text.split(',').map(|part| part.to_lowercase()).collect();
    while let Some(argument) = parser.next()? {
        let Arg::Long(name) = argument else { return Err(argument.unexpected().into()) };
        let name = name.to_owned();
        let plan = &mut command.plan;
        match name.as_str() {
            "help" => {
                let ids: Vec<_> = work::all().iter().map(|table| table.id).collect();
                print!("{}", HELP.replace("{tables}", &ids.join(", ")));
                std::process::exit(0);
            }
            "json" => command.json = Some(parser.value()?.into()),
            "name" => command.name = parser.value()?.string()?,
            "runs" => plan.runs = parser.value()?.parse()?,
            "tables" => plan.tables = list(parser.value()?.string()?),
            "subjects" => plan.subjects = list(parser.value()?.string()?),
            "documents" => plan.documents = parser.value()?.parse()?,
            "reads" => plan.reads = parser.value()?.parse()?,
            "durable-commits" => plan.durable_commits = parser.value()?.parse()?,
            "largest" => plan.largest = parser.value()?.parse()?,
            "cache" => plan.cache = parser.value()?.parse::<usize>()? << 20,
            "directory" => plan.directory = parser.value()?.into(),
            "machine" => command.machine = Some(parser.value()?.string()?),
            "print-machine" => command.print_machine = true,
            "memory-of" => command.memory_of = Some(parser.value()?.string()?),
            "version-of" => {
                let value = parser.value()?.string()?;
                let (name, version) = value.split_once('=').context("--version-of takes NAME=VERSION")?;
                command.versions.push((name.into(), version.into()));
            }
            _ => return Err(Arg::Long(&name).unexpected().into()),
        }
    }
    Ok(command)
}

impl Command {
    /// Whether all subjects found the same.
    pub fn run(self) -> Result<bool> {
        if self.print_machine {
            println!("{}", serde_json::to_string(&versions::machine())?);
            return Ok(true);
        }
        if let Some(name) = &self.memory_of {
            println!("{}", space::memory(&self.plan, name)?);
            return Ok(true);
        }
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let machine = match &self.machine {
            Some(json) => serde_json::from_str(json).context("--machine takes JSON")?,
            None => versions::machine(),
        };
        let mut versions = versions::of_packages();
        versions.extend(self.versions);
        let (name, date) = (self.name, date(seconds));
        runner::run(&self.plan, |tables, settings| {
            let Some(path) = &self.json else { return Ok(()) };
            let report = Report { name: &name, date: &date, machine: &machine, versions: &versions, settings, tables };
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent)?;
            }
            std::fs::write(path, serde_json::to_string_pretty(&report)? + "\n")
                .with_context(|| path.display().to_string())
        })
    }
}
