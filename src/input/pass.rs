//! One reading of an input from its start.
//!
//! Owns the order of the layers. Invariant: the header is understood from the same bytes that
//! are digested or verified, so a layout never outlives a change of the file.

use std::io::Read;
use std::rc::Rc;

use secrecy::zeroize::Zeroizing;

use super::chunks::{Chunks, Ledger, Recorder};
use super::decode::{Decoded, decode};
use super::error::InputError;
use super::header;
use super::layout::Layout;
use super::records::Records;
use super::row;
use super::source::Source;
use super::{Options, fault::Mark};
use crate::domain::phone::Numbering;
use crate::domain::target::Row;

/// A pass that has its header behind it.
pub(super) struct Pass<'a> {
    records: Records<Decoded<'a>>,
    layout: Layout,
    options: Options,
    numbering: Rc<Numbering>,
}

impl<'a> Pass<'a> {
    /// Starts a pass whose delimiter is known and understands the header.
    pub(super) fn new(
        source: &'a mut Source,
        ledger: Ledger<'a>,
        delimiter: u8,
        options: Options,
        numbering: Rc<Numbering>,
    ) -> Result<Self, InputError> {
        let (encoding, decoded) = decode(Chunks::new(source, ledger)?)?;
        let mut records = Records::new(decoded, delimiter);
        let Some(mark) = records.advance()? else {
            return Err(InputError::Refused { line: None, reason: "the input is empty".to_owned() });
        };
        let layout = header::read(mark, records.cells(), (encoding, delimiter), &options)?;
        Ok(Self { records, layout, options, numbering })
    }

    pub(super) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The next record and where it stands.
    pub(super) fn advance(&mut self) -> Result<Option<Row>, InputError> {
        let mark = self.records.advance()?;
        Ok(mark.map(|mark| self.row(mark)))
    }

    fn row(&self, mark: Mark) -> Row {
        row::read(mark, self.records.cells(), &self.layout, &self.options, &self.numbering)
    }
}

/// Looks at the start of the input for its delimiter.
///
/// These bytes are digested for nobody: the first pass reads and understands them again.
pub(super) fn find_delimiter(source: &mut Source) -> Result<u8, InputError> {
    let mut unused = Recorder::new();
    let chunks = Chunks::new(source, Ledger::Record(&mut unused))?;
    let (_, decoded) = decode(chunks)?;
    let mut prefix = Zeroizing::new(Vec::with_capacity(header::PREFIX));
    let most = u64::try_from(header::PREFIX).unwrap_or(u64::MAX);
    decoded.take(most).read_to_end(&mut prefix)?;
    header::delimiter(&prefix)
}
