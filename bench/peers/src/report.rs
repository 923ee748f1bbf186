//! What is written: the one format of all benchmarks' results.

use std::collections::BTreeMap;

use serde::Serialize;

#[derive(Serialize)]
pub struct Report<'a> {
    pub name: &'a str,
    pub date: &'a str,
    pub machine: &'a BTreeMap<String, serde_json::Value>,
    pub versions: &'a BTreeMap<String, String>,
    pub settings: &'a BTreeMap<String, String>,
    pub tables: &'a [ReportTable],
}

#[derive(Serialize)]
pub struct ReportTable {
    pub id: String,
    pub title: String,
    pub about: String,
    pub subjects: Vec<String>,
    /// Those of them that are no databases.
    pub references: Vec<String>,
    pub rows: Vec<Row>,
}

#[derive(Serialize)]
pub struct Row {
    pub work: String,
    pub unit: String,
    pub better: &'static str,
    pub values: BTreeMap<String, Option<Value>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub notes: BTreeMap<String, String>,
}

#[derive(Serialize, Clone, Copy)]
pub struct Value {
    pub median: f64,
    pub min: f64,
    pub max: f64,
    pub runs: usize,
}

impl Value {
    pub fn of(mut runs: Vec<f64>) -> Option<Self> {
        runs.sort_by(f64::total_cmp);
        let round = |value: f64| if value == 0.0 { 0.0 } else { rounded(value) };
        let (min, max) = (round(*runs.first()?), round(*runs.last()?));
        let middle = runs.len() / 2;
        let median = if runs.len() % 2 == 1 { runs[middle] } else { f64::midpoint(runs[middle - 1], runs[middle]) };
        Some(Self { median: round(median), min, max, runs: runs.len() })
    }
}

/// Four digits are more than what a benchmark knows.
fn rounded(value: f64) -> f64 {
    let scale = 10f64.powi(3 - value.abs().log10().floor() as i32);
    (value * scale).round() / scale
}

impl ReportTable {
    /// The table as text, for a terminal.
    pub fn print(&self) {
        println!("\n{} - {}", self.title, self.about);
        let width = self.rows.iter().map(|row| row.work.len() + row.unit.len() + 2).max().unwrap_or(0);
        print!("{:<width$}", "");
        for subject in &self.subjects {
            print!(" {subject:>12}");
        }
        println!();
        for row in &self.rows {
            print!("{:<width$}", format!("{}, {}", row.work, row.unit));
            for subject in &self.subjects {
                match row.values.get(subject).copied().flatten() {
                    Some(value) => print!(" {:>12}", value.median),
                    None => print!(" {:>12}", "-"),
                }
            }
            println!();
        }
    }
}

/// Today, of the seconds since 1970 (the civil calendar by eras of 400 years).
pub fn date(seconds: u64) -> String {
    let days = seconds / 86_400 + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    format!("{:04}-{month:02}-{day:02}", era * 400 + year + u64::from(month <= 2))
}
