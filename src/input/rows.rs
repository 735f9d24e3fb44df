//! The later pass: the surveyed rows, one at a time.
//!
//! Owns the iterator. Refuses bytes that were not surveyed. Invariant: the rows are those of
//! the survey, in the same order, and what it found bad stays bad.

use std::iter::{FusedIterator, Peekable};
use std::rc::Rc;
use std::slice::Iter;

use super::chunks::Ledger;
use super::error::InputError;
use super::pass::Pass;
use super::source::Source;
use super::survey::Survey;
use crate::domain::phone::Numbering;
use crate::domain::target::{Defect, Row};

/// The rows of a surveyed input in file order. Ends after the first error.
pub(crate) struct Rows<'a> {
    /// `None` once everything was read or an error came.
    pass: Option<Pass<'a>>,
    defects: Peekable<Iter<'a, Defect>>,
}

impl<'a> Rows<'a> {
    pub(super) fn new(source: &'a mut Source, survey: &'a Survey) -> Result<Self, InputError> {
        let ledger = Ledger::Verify(&survey.digests);
        let numbering = Rc::new(Numbering::surveyed(survey.options.default_country));
        let pass = Pass::new(source, ledger, survey.layout.delimiter, survey.options.clone(), numbering)?;
        Ok(Self { pass: Some(pass), defects: survey.defects.iter().peekable() })
    }

    /// Puts the survey's verdict in place of a row that is sound only by itself.
    fn judge(&mut self, row: Row) -> Row {
        let line = match &row {
            Row::Sound(target) => target.line,
            Row::Bad(defect) => defect.line,
        };
        match self.defects.next_if(|defect| defect.line == line) {
            Some(defect) => Row::Bad(defect.clone()),
            None => row,
        }
    }
}

impl Iterator for Rows<'_> {
    type Item = Result<Row, InputError>;

    fn next(&mut self) -> Option<Self::Item> {
        let outcome = self.pass.as_mut()?.advance();
        match outcome {
            Ok(Some(row)) => Some(Ok(self.judge(row))),
            Ok(None) => {
                self.pass = None;
                None
            }
            Err(error) => {
                self.pass = None;
                Some(Err(error))
            }
        }
    }
}

impl FusedIterator for Rows<'_> {}
