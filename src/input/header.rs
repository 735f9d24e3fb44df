//! The first record of an input.
//!
//! Owns the choice of the delimiter and the reading of column names. Refuses a header that is
//! missing, damaged or ambiguous. Invariant: a refusal shows nothing of the line but
//! words that [`nearly`] knows, because a file without a header has a password there.

use csv::ByteRecord;

use super::decode::Encoding;
use super::error::InputError;
use super::fault::{Fault, Mark};
use super::layout::{Layout, Meaning, numbered};
use super::nearly;
use super::records::Records;
use super::{Options, open_record::RECORD_LIMIT};
use crate::domain::attribute::Attribute;

/// How much of the input is enough to find a header that is not too long.
pub(super) const PREFIX: usize = 2 * RECORD_LIMIT;

/// The longest column name that is shown.
const NAME_SHOWN: usize = 64;

/// Finds the delimiter under which most known names appear; of equals, the first of `,` `;`
/// tab. Later lines have no say: their passwords may hold any of the three.
pub(super) fn delimiter(prefix: &[u8]) -> Result<u8, InputError> {
    let mut best = (0, b',');
    for delimiter in [b',', b';', b'\t'] {
        let known = known_names(prefix, delimiter)?;
        if known > best.0 {
            best = (known, delimiter);
        }
    }
    Ok(best.1)
}

fn known_names(prefix: &[u8], delimiter: u8) -> Result<usize, InputError> {
    let mut records = Records::new(prefix, delimiter);
    // Under a wrong delimiter a sound header can be faulty, as `"email";"phone"` is.
    Ok(match records.advance()? {
        Some(Mark { fault: None, .. }) => count_known(records.cells()),
        _ => 0,
    })
}

fn count_known(cells: &ByteRecord) -> usize {
    cells.iter().filter_map(meaning).count()
}

fn meaning(cell: &[u8]) -> Option<Meaning> {
    Meaning::of(std::str::from_utf8(cell).ok()?)
}

/// Understands the header of an input whose delimiter is known.
pub(super) fn read(
    mark: Mark,
    cells: &ByteRecord,
    (encoding, delimiter): (Encoding, u8),
    options: &Options,
) -> Result<Layout, InputError> {
    let refuse = |reason: String| InputError::Refused { line: Some(mark.line), reason };
    let names = names(mark, cells, encoding).map_err(refuse)?;
    let meant = |meaning| move |name: &String| Meaning::of(name) == Some(meaning);
    let column = |meaning| names.iter().position(meant(meaning));
    let Some(email) = column(Meaning::Email) else {
        return Err(refuse(with_hints("no column is named email", &as_text(&names))));
    };
    let (password, phone) = (column(Meaning::Password), column(Meaning::Phone));
    let attributes = attributes(&names, options);
    if password.is_none() && phone.is_none() && attributes.is_empty() && !options.passwords_generated {
        let reason = "no column is named password or mfa_phone: nothing is asked for";
        return Err(refuse(with_hints(reason, &as_text(&names))));
    }
    let mapped = |index: &usize| attributes.iter().any(|(column, _)| column == index);
    let others =
        names.iter().enumerate().filter(|(index, name)| Meaning::of(name).is_none() && !mapped(index));
    let ignored = others.map(|(_, name)| shown(name)).collect();
    Ok(Layout { delimiter, encoding, width: names.len(), email, password, phone, attributes, ignored })
}

/// The columns of further attributes. A column that means something already stays what it is.
fn attributes(names: &[String], options: &Options) -> Vec<(usize, usize)> {
    let column = |attribute: &Attribute| {
        names.iter().position(|name| Meaning::of(name).is_none() && attribute.is_named(name))
    };
    let found = options.attributes.iter().enumerate();
    found.filter_map(|(number, attribute)| Some((column(attribute)?, number))).collect()
}

/// The names of a header that is sound as a record.
fn names(mark: Mark, cells: &ByteRecord, encoding: Encoding) -> Result<Vec<String>, String> {
    if let Some(reason) = mark.reason(numbered) {
        return Err(faulty(mark, &reason));
    }
    if count_known(cells) == 0 {
        let reason = "no known column name: is the header (email,password,mfa_phone) missing?";
        let names: Vec<_> = cells.iter().filter_map(|cell| std::str::from_utf8(cell).ok()).collect();
        // A cell that is no text may be anything, as may the others then.
        let names = if names.len() == cells.len() { names } else { Vec::new() };
        return Err(with_hints(reason, &names));
    }
    if encoding.damaged(cells.as_slice()) {
        return Err("the header is damaged UTF-16".to_owned());
    }
    let name = |cell| std::str::from_utf8(cell).map(|name| name.trim().to_owned());
    let names: Result<Vec<_>, _> = cells.iter().map(name).collect();
    let names = names.map_err(|_| "the header is not UTF-8: save the file as CSV UTF-8")?;
    distinct(&names)?;
    Ok(names)
}

fn as_text(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}

fn with_hints(reason: &str, names: &[&str]) -> String {
    std::iter::once(reason.to_owned()).chain(nearly::hints(names)).collect::<Vec<_>>().join("; ")
}

fn faulty(mark: Mark, reason: &str) -> String {
    if matches!(mark.fault, Some(Fault::Nul { .. })) {
        return "the header holds NUL characters: UTF-16 without a byte order mark, or no text \
                at all; save the file as CSV UTF-8"
            .to_owned();
    }
    format!("header: {reason}")
}

/// Columns without a name are no two of a kind: spreadsheets add them to the right.
fn distinct(names: &[String]) -> Result<(), String> {
    for (right, name) in names.iter().enumerate() {
        let meaning = Meaning::of(name);
        let same = |other: &String| {
            (!name.is_empty() && other.to_lowercase() == name.to_lowercase())
                || (meaning.is_some() && Meaning::of(other) == meaning)
        };
        if let Some(left) = names[..right].iter().position(same) {
            let what = meaning.map_or("have one name", |_| "mean the same");
            return Err(format!("columns {} and {} {what}", left + 1, right + 1));
        }
    }
    Ok(())
}

fn shown(name: &str) -> String {
    let clean = name.chars().filter(|c| !c.is_control());
    let name: String = clean.take(NAME_SHOWN).collect();
    if name.is_empty() {
        return "(no name)".to_owned();
    }
    name
}
