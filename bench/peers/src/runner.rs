//! Runs the tables: all subjects in each run, in changing order, so that a busy moment of the machine does not always meet
//! the same one.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};

use crate::measure::{Run, Work};
use crate::plan::Plan;
use crate::report::{ReportTable, Row, Value};
use crate::store::Subject;
use crate::work::{Columns, Table};
use crate::{subjects, work};

/// What is no database.
const REFERENCES: [&str; 2] = ["raw file", "limit"];

/// Runs the tables, and hands over those that are done, and what is to be said of subjects, after each of them. Whether all
/// subjects found the same.
pub fn run(plan: &Plan, mut save: impl FnMut(&[ReportTable], &BTreeMap<String, String>) -> Result<()>) -> Result<bool> {
    let chosen =
        |names: &[String], name: &str| names.is_empty() || names.iter().any(|part| name.to_lowercase().contains(part));
    let databases = subjects::all();
    let mut reports = Vec::new();
    let mut agree = true;
    let all = format!("{} MiB of cache where there is one, one thread, {} runs", plan.cache >> 20, plan.runs);
    let mut settings = BTreeMap::from([("all".to_owned(), all)]);
    for table in
        work::all().into_iter().filter(|table| plan.tables.is_empty() || plan.tables.iter().any(|id| id == table.id))
    {
        let columns = match table.columns {
            Columns::Databases => &databases[..],
            Columns::Own(columns) => columns,
        };
        let subjects: Vec<_> = columns.iter().copied().filter(|subject| chosen(&plan.subjects, subject.name)).collect();
        if subjects.is_empty() {
            continue;
        }
        let (report, same) = run_table(&table, &subjects, plan)?;
        let those = subjects.iter().filter(|subject| report.subjects.iter().any(|name| name == subject.name));
        settings.extend(those.map(|subject| (subject.name.to_owned(), subject.settings.to_owned())));
        report.print();
        reports.push(report);
        agree &= same;
        save(&reports, &settings)?;
    }
    if reports.is_empty() {
        bail!("no table is called so: {}", plan.tables.join(", "));
    }
    Ok(agree)
}

fn run_table(table: &Table, subjects: &[Subject], plan: &Plan) -> Result<(ReportTable, bool)> {
    let mut rows: Vec<Work> = Vec::new();
    let mut figures: BTreeMap<(String, &str), Vec<f64>> = BTreeMap::new();
    let mut failures: BTreeMap<String, String> = BTreeMap::new();
    let mut agree = true;
    let runs = plan.runs.min(table.most_runs);
    for turn in 0..runs {
        let mut checks: Option<(&str, Vec<(String, u64)>)> = None;
        for at in 0..subjects.len() {
            let subject = subjects[(at + turn) % subjects.len()];
            let directory = plan.directory.join(table.id);
            let _ = std::fs::remove_dir_all(&directory);
            let mut run = Run::new(plan, subject, directory.clone());
            let result = (table.work)(&mut run);
            let _ = std::fs::remove_dir_all(&directory);
            if let Err(error) = result {
                eprintln!("{}, {}: {error:#}", table.id, subject.name);
                failures.insert(subject.name.into(), format!("{error:#}"));
                agree = false;
                continue;
            }
            for (work, figure) in run.figures {
                figures.entry((work.name.clone(), subject.name)).or_default().push(figure);
                if !rows.contains(&work) {
                    rows.push(work);
                }
            }
            match &checks {
                None => checks = Some((subject.name, run.checks)),
                Some((other, expected)) if *expected != run.checks => {
                    let names = differences(expected, &run.checks);
                    eprintln!("{}: {other} and {} found different things: {names}", table.id, subject.name);
                    failures.insert(subject.name.into(), format!("found something else than {other}: {names}"));
                    agree = false;
                }
                Some(_) => {}
            }
        }
        eprintln!("{}: run {} of {}", table.id, turn + 1, runs);
    }
    // A column that nothing was asked of is left out.
    let took_part = |name: &str| failures.contains_key(name) || figures.keys().any(|(_, subject)| *subject == name);
    let names: Vec<String> =
        subjects.iter().map(|subject| subject.name.to_owned()).filter(|name| took_part(name)).collect();
    let rows = rows.into_iter().map(|work| row(work, &names, &figures, &failures)).collect();
    let references = names.iter().filter(|name| REFERENCES.contains(&name.as_str())).cloned().collect();
    let report = ReportTable {
        id: table.id.into(),
        title: table.title.into(),
        about: table.about.into(),
        subjects: names,
        references,
        rows,
    };
    Ok((report, agree))
}

fn row(
    work: Work,
    subjects: &[String],
    figures: &BTreeMap<(String, &str), Vec<f64>>,
    failures: &BTreeMap<String, String>,
) -> Row {
    let of =
        |subject: &String| Value::of(figures.get(&(work.name.clone(), subject.as_str())).cloned().unwrap_or_default());
    let values = subjects.iter().map(|subject| (subject.clone(), of(subject))).collect();
    Row { unit: work.unit.into(), better: "less", values, notes: failures.clone(), work: work.name }
}

fn differences(left: &[(String, u64)], right: &[(String, u64)]) -> String {
    let left: BTreeSet<_> = left.iter().collect();
    let right: BTreeSet<_> = right.iter().collect();
    let names: BTreeSet<_> = left.symmetric_difference(&right).map(|(name, _)| name.as_str()).collect();
    names.into_iter().collect::<Vec<_>>().join(", ")
}
