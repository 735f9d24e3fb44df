//! The first pass: everything is read before anything is done.
//!
//! Owns the findings. Refuses an input without a row. Invariants: every bad record is among
//! the defects, in order of line, and memory grows with the number of defects and copies and
//! by 8 bytes per row, never with the size of the input. Those 8 bytes are handed on for whoever reads
//! the service's list of users.

use std::collections::HashMap;
use std::rc::Rc;

use super::chunks::{Digests, Ledger, Recorder};
use super::error::InputError;
use super::layout::Layout;
use super::pass::{Pass, find_delimiter};
use super::source::Source;
use super::users::Users;
use super::{Judge, Judgement, Options, users};
use crate::domain::phone::Numbering;
use crate::domain::target::{Defect, NewPassword, Row, Target};
use crate::domain::wanted::Wanted;

/// What the first pass found.
#[derive(Debug)]
pub(crate) struct Survey {
    /// Records after the header, good or bad.
    pub(crate) rows: u64,
    /// The line on which the last record begins: no row has a higher one.
    pub(crate) last_line: u64,
    /// Every bad record, rows that disagree about a user included, in order of line.
    pub(crate) defects: Vec<Defect>,
    /// Line of a copy to the line of the first row that asks for the same for the same user.
    pub(crate) duplicates: HashMap<u64, u64>,
    /// Whom the rows are about, until somebody takes it.
    pub(crate) wanted: Option<Wanted>,
    /// How the input is laid out.
    pub(crate) layout: Layout,
    /// SHA-256 of the raw bytes.
    pub(crate) sha256: [u8; 32],
    /// Rows whose given password the service may refuse.
    pub(crate) doubtful: Doubtful,
    pub(super) digests: Digests,
    pub(super) options: Options,
}

/// Rows by number, and the lines of the first few.
#[derive(Debug, Default)]
pub(crate) struct Doubtful {
    /// How many there are.
    pub(crate) rows: u64,
    /// The lines of the first.
    pub(crate) first: Vec<u64>,
}

impl Doubtful {
    const SHOWN: usize = 10;

    fn note(&mut self, line: u64) {
        self.rows += 1;
        if self.first.len() < Self::SHOWN {
            self.first.push(line);
        }
    }
}

/// Reads everything; a second and third time only when two rows seem to be about one user.
pub(super) fn survey(source: &mut Source, options: Options) -> Result<Survey, InputError> {
    let delimiter = find_delimiter(source)?;
    let numbering = Rc::new(Numbering::new(options.default_country));
    let mut recorder = Recorder::new();
    let pass =
        Pass::new(source, Ledger::Record(&mut recorder), delimiter, options.clone(), Rc::clone(&numbering))?;
    let mut found = Findings::default();
    let layout = found.read(pass, options.judge)?;
    if found.rows == 0 {
        return Err(InputError::Refused { line: None, reason: "the header has no row under it".to_owned() });
    }
    let digests = recorder.finish();
    let mut duplicates = HashMap::new();
    let (suspects, wanted) = found.users.sorted();
    if !suspects.is_empty() {
        let pass = Pass::new(source, Ledger::Verify(&digests), delimiter, options.clone(), numbering)?;
        let verdict = users::compare(pass, &suspects)?;
        duplicates = verdict.duplicates;
        found.defects.extend(verdict.conflicts);
        found.defects.sort_by_key(|defect| defect.line);
    }
    Ok(Survey {
        rows: found.rows,
        last_line: found.last_line,
        defects: found.defects,
        duplicates,
        wanted: Some(wanted),
        doubtful: found.doubtful,
        layout,
        sha256: digests.whole,
        digests,
        options,
    })
}

#[derive(Default)]
struct Findings {
    rows: u64,
    last_line: u64,
    defects: Vec<Defect>,
    users: Users,
    doubtful: Doubtful,
}

impl Findings {
    fn read(&mut self, mut pass: Pass<'_>, judge: Option<Judge>) -> Result<Layout, InputError> {
        while let Some(row) = pass.advance()? {
            self.rows += 1;
            match row {
                Row::Sound(target) => {
                    self.last_line = target.line;
                    self.users.note(target.email.as_str());
                    self.weigh(&target, judge);
                }
                Row::Bad(defect) => {
                    self.last_line = defect.line;
                    defect.email.iter().for_each(|email| self.users.note(email));
                    self.defects.push(defect);
                }
            }
        }
        Ok(pass.layout().clone())
    }

    /// A given password that the service may refuse is counted; the first few lines are named.
    fn weigh(&mut self, target: &Target, judge: Option<Judge>) {
        let (Some(judge), NewPassword::Given(password)) = (judge, &target.password) else { return };
        match judge(password, &target.email) {
            Judgement::Sound => {}
            Judgement::Doubtful => self.doubtful.note(target.line),
            Judgement::Refused(why) => self.defects.push(Defect {
                line: target.line,
                email: Some(target.email.as_str().to_owned()),
                reason: format!("password: {why}"),
            }),
        }
    }
}
