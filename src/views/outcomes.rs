//! `outcome.csv`: one line a row. It grows as rows finish, and is replaced at the end by the
//! same lines in the order of the input.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use crate::domain::event::Done;
use crate::domain::text::cleaned;
use crate::failpoint;
use crate::files;
use crate::files::patience::{PATIENCE, State, within};

/// Name of the file in the run folder.
pub(crate) const NAME: &str = "outcome.csv";

/// The columns, in order.
pub(crate) const COLUMNS: [&str; 10] = [
    "line",
    "email",
    "outcome",
    "reason",
    "user_id",
    "mfa",
    "http_status",
    "attempts",
    "finished_at",
    "detail",
];

/// The longest address (RFC 5321) and the longest id, with room to spare. The log that this file is
/// made from may have come from elsewhere.
const MOST: usize = 512;

/// The file while it grows. After an error it grows no more: it is made anew from the log, and until
/// then ends with a whole line.
#[derive(Debug)]
pub(crate) struct OutcomeFile {
    file: Arc<File>,
    len: u64,
    state: State,
}

impl OutcomeFile {
    /// Starts with the rows that are settled already.
    pub(crate) fn begin(
        folder: &Path,
        settled: impl Iterator<Item = io::Result<(Done, String)>>,
    ) -> io::Result<Self> {
        write_whole(folder, settled)?;
        let file = files::open_append(&folder.join(NAME))?;
        let len = file.metadata()?.len();
        Ok(Self { file: Arc::new(file), len, state: State::Sound })
    }

    /// Adds rows that have just finished. An error is told once.
    pub(crate) async fn append(&mut self, rows: &[(Done, String)]) -> io::Result<()> {
        if self.state != State::Sound {
            return Ok(());
        }
        failpoint::hit("outcome");
        let mut lines = Vec::new();
        let mut writer = csv::Writer::from_writer(&mut lines);
        for (done, finished_at) in rows {
            write_row(&mut writer, done, finished_at)?;
        }
        writer.flush()?;
        drop(writer);
        let (file, len, count) = (Arc::clone(&self.file), self.len, lines.len() as u64);
        let written =
            within(PATIENCE, move || (&*file).write_all(&lines).inspect_err(|_| _ = file.set_len(len)));
        match written.await {
            Ok(()) => self.len += count,
            Err(error) => {
                self.state = State::after(&error);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Whether a write has not returned.
    pub(crate) fn is_stuck(&self) -> bool {
        self.state == State::Stuck
    }
}

/// Replaces the file by these rows.
pub(crate) fn write_whole(
    folder: &Path,
    rows: impl Iterator<Item = io::Result<(Done, String)>>,
) -> io::Result<()> {
    failpoint::hit("outcomes");
    files::replace(&folder.join(NAME), |out| {
        let mut writer = csv::Writer::from_writer(out);
        writer.write_record(COLUMNS)?;
        for row in rows {
            let (done, finished_at) = row?;
            write_row(&mut writer, &done, &finished_at)?;
        }
        writer.flush()
    })
}

fn write_row<W: Write>(writer: &mut csv::Writer<W>, done: &Done, finished_at: &str) -> io::Result<()> {
    let Done { line, email, trail, ending } = done;
    Ok(writer.serialize((
        line,
        guarded(cleaned(email, MOST)),
        ending.outcome.family(),
        ending.outcome.reason(),
        guarded(cleaned(trail.user_id.as_deref().unwrap_or_default(), MOST)),
        ending.mfa.word(),
        trail.http_status,
        trail.attempts,
        finished_at,
        guarded(done.detail()),
    ))?)
}

/// A cell that a spreadsheet would take for a formula gets an apostrophe in front (CWE-1236). Some
/// take the full-width signs for the same.
fn guarded(cell: Cow<'_, str>) -> Cow<'_, str> {
    let formula = cell.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠', '\t', '\r', '\n', '\0']);
    if formula { format!("'{cell}").into() } else { cell }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::{Ending, Trail};
    use crate::domain::outcome::{Fail, Outcome};

    fn done(line: u64, email: &str, detail: &str) -> (Done, String) {
        let ending = Ending::new(Outcome::Failed(Fail::Rejected), detail);
        let trail =
            Trail { http_status: Some(400), attempts: 2, user_id: Some("-1".into()), ..Trail::default() };
        (Done { line, email: email.into(), trail, ending }, "2026-01-01T00:00:00.000Z".into())
    }

    #[tokio::test]
    async fn growing_and_whole_are_the_same_lines() {
        let (grown, whole) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut file =
            OutcomeFile::begin(grown.path(), std::iter::once(Ok(done(2, "=a@example.com", "x")))).unwrap();
        file.append(&[done(3, "b@example.com", "+1,\"2\"")]).await.unwrap();
        write_whole(
            whole.path(),
            [done(2, "=a@example.com", "x"), done(3, "b@example.com", "+1,\"2\"")].map(Ok).into_iter(),
        )
        .unwrap();
        let text = |folder: &Path| std::fs::read_to_string(folder.join(NAME)).unwrap();
        assert_eq!(text(grown.path()), text(whole.path()));
        assert_eq!(
            text(whole.path()),
            "line,email,outcome,reason,user_id,mfa,http_status,attempts,finished_at,detail\n\
             2,'=a@example.com,failed,rejected,'-1,,400,2,2026-01-01T00:00:00.000Z,x\n\
             3,b@example.com,failed,rejected,'-1,,400,2,2026-01-01T00:00:00.000Z,\"'+1,\"\"2\"\"\"\n"
        );
    }
}
