//! `runs`: which runs there are, and how each ended.
//!
//! A summary is believed where it names the last line of the log, as it stands there now; else the log is
//! read. What is no run, or cannot be read, is listed as what it is.

mod verdict;

use std::fs;
use std::path::{Path, PathBuf};

use self::verdict::Verdict;
use super::{Failure, complain, print, say};
use crate::cli::RunsArgs;
use crate::domain::text::printable;
use crate::folder::run::LOG;

/// Lists them, the newest first.
pub(crate) fn runs(args: &RunsArgs) -> Result<u8, Failure> {
    let here = [PathBuf::from(".")];
    let asked = if args.of.is_empty() { &here[..] } else { &args.of };
    let mut found = Vec::new();
    for path in asked {
        found.extend(folders(path)?);
    }
    found.sort();
    found.dedup();
    let mut verdicts: Vec<_> = found.iter().map(|folder| Verdict::of(folder)).collect();
    // What has no beginning comes last.
    verdicts.sort_by(|a, b| b.began().cmp(&a.began()).then_with(|| a.run_dir.cmp(&b.run_dir)));
    if args.json {
        print((serde_json::to_string_pretty(&verdicts).unwrap_or_default() + "\n").as_bytes());
    } else if verdicts.is_empty() {
        complain("no runs here");
    } else {
        table(&verdicts).iter().for_each(say);
    }
    Ok(0)
}

/// The run folders that a path stands for: itself, those in it, or those beside an INPUT.
pub(super) fn folders(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |error: std::io::Error| Failure::new(66, format!("{}: {error}", path.display()));
    if !path.is_dir() {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let beside = path.with_file_name(format!("{stem}.runs"));
        return match (beside.is_dir(), fs::metadata(path)) {
            (true, _) => below(&beside).map_err(failed),
            (false, Ok(_)) => Ok(Vec::new()),
            (false, Err(error)) => Err(failed(error)),
        };
    }
    if path.join(LOG).exists() {
        return Ok(vec![path.to_owned()]);
    }
    let inside = below(path).map_err(failed)?;
    if is_of_runs(path) {
        return Ok(inside);
    }
    let mut found = Vec::new();
    for folder in inside {
        if is_of_runs(&folder) {
            found.extend(below(&folder).map_err(failed)?);
        } else if folder.join(LOG).exists() {
            found.push(folder);
        }
    }
    Ok(found)
}

fn is_of_runs(folder: &Path) -> bool {
    folder.extension().is_some_and(|end| end == "runs")
}

/// The folders in a folder; not what links lead to.
fn below(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    // `./users.runs` is said as `users.runs`.
    let shown = folder.strip_prefix(".").unwrap_or(folder);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.push(shown.join(entry.file_name()));
        }
    }
    Ok(found)
}

fn table(verdicts: &[Verdict]) -> Vec<String> {
    let head = ["BEGAN", "ROWS", "INPUT", "VERDICT", "FOLDER"].map(str::to_owned);
    let rows: Vec<_> = [head].into_iter().chain(verdicts.iter().map(Verdict::cells)).collect();
    let rows: Vec<_> = rows.into_iter().map(|row| row.map(|cell| printable(&cell))).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths = [0, 1, 2, 3].map(width);
    let line = |[began, count, input, verdict, folder]: &[String; 5]| {
        let [w0, w1, w2, w3] = widths;
        format!("{began:<w0$}  {count:>w1$}  {input:<w2$}  {verdict:<w3$}  {folder}")
    };
    rows.iter().map(line).collect()
}
