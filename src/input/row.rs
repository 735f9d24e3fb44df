//! From the cells of a record to something to do.
//!
//! Owns the meaning of cells and the wording of what is wrong with them. Refuses what names no
//! user or asks for nothing. Invariants: a password is taken byte for byte or not at all, and
//! no reason holds anything of a cell.

use csv::ByteRecord;

use super::fault::Mark;
use super::layout::Layout;
use super::{Judge, Judgement, Options};
use crate::domain::attribute::{Attribute, Kind};
use crate::domain::email::Email;
use crate::domain::phone::{Numbering, Phone};
use crate::domain::secret::Secret;
use crate::domain::target::{Defect, NewPassword, Row, Target, Value};

const NOT_UTF8: &str = "not valid UTF-8 (save as CSV UTF-8)";

/// Reads one record.
pub(super) fn read(
    mark: Mark,
    cells: &ByteRecord,
    layout: &Layout,
    options: &Options,
    numbering: &Numbering,
) -> Row {
    let line = mark.line;
    if let Some(reason) = unreadable(mark, cells, layout) {
        // No cell of such a record is known to be the one it seems to be.
        let email = None;
        return Row::Bad(Defect { line, email, reason });
    }
    let cell = |column: Option<usize>| cells.get(column?);
    let email = email(cell(Some(layout.email)).unwrap_or_default());
    let password = cell(layout.password).map_or(Ok(None), |cell| password(cell, layout.delimiter));
    let phone = cell(layout.phone).map_or(Ok(None), |cell| phone(cell, numbering));
    let attributes = attributes(cells, layout, options);
    let nothing = matches!((&password, &phone), (Ok(None), Ok(None)))
        && attributes.as_ref().is_ok_and(|values| values.is_empty());
    let idle = nothing && !options.passwords_generated;
    match (email, password, phone, attributes) {
        (Ok(email), Ok(password), Ok(phone), Ok(attributes)) if !idle => {
            let password = match password {
                Some(password) => NewPassword::Given(password),
                None if options.passwords_generated => NewPassword::Wanted,
                None => NewPassword::Kept,
            };
            Row::Sound(Target { line, email, password, phone, attributes, account: None })
        }
        (email, password, phone, attributes) => {
            let refused = refused(&email, &password, options.judge);
            Row::Bad(Defect {
                line,
                reason: reasons(
                    email.as_ref().err(),
                    password.err().or(refused),
                    phone.err(),
                    attributes.err(),
                    idle,
                ),
                email: email.ok().map(|email| email.as_str().to_owned()),
            })
        }
    }
}

/// What the judge has against the password of a row that is bad anyway: whoever mends the row wants to know
/// all of it.
fn refused(
    email: &Result<Email, Why>,
    password: &Result<Option<Secret>, Why>,
    judge: Option<Judge>,
) -> Option<Why> {
    let (Some(judge), Ok(email), Ok(Some(password))) = (judge, email, password) else { return None };
    match judge(password, email) {
        Judgement::Refused(why) => Some(why),
        Judgement::Sound | Judgement::Doubtful => None,
    }
}

/// The cells of further attributes, but for the empty ones: those leave the attribute alone.
fn attributes(cells: &ByteRecord, layout: &Layout, options: &Options) -> Result<Box<[Value]>, Vec<String>> {
    let (mut values, mut wrong) = (Vec::new(), Vec::new());
    for &(column, attribute) in &layout.attributes {
        let Attribute { column: name, kind, .. } = &options.attributes[attribute];
        match value(cells.get(column).unwrap_or_default(), *kind) {
            Ok(None) => {}
            Ok(Some(text)) => values.push(Value { attribute, text }),
            Err(why) => wrong.push(format!("{name}: {why}")),
        }
    }
    if wrong.is_empty() { Ok(values.into_boxed_slice()) } else { Err(wrong) }
}

fn value(cell: &[u8], kind: Kind) -> Result<Option<Secret>, Why> {
    let text = std::str::from_utf8(cell).map(str::trim).map_err(|_| NOT_UTF8)?;
    if text.is_empty() {
        return Ok(None);
    }
    kind.check(text)?;
    Ok(Some(Secret::new(text.to_owned())))
}

type Why = &'static str;

fn reasons(
    email: Option<&Why>,
    password: Option<Why>,
    phone: Option<Why>,
    attributes: Option<Vec<String>>,
    idle: bool,
) -> String {
    let mut reasons = Vec::new();
    reasons.extend(email.map(|why| format!("email: {why}")));
    reasons.extend(password.map(|why| format!("password: {why}")));
    reasons.extend(phone.map(|why| format!("mfa_phone: {why}")));
    reasons.extend(attributes.into_iter().flatten());
    reasons.extend(idle.then(|| "asks for nothing (--generate-passwords would make a password)".to_owned()));
    reasons.join("; ")
}

fn unreadable(mark: Mark, cells: &ByteRecord, layout: &Layout) -> Option<String> {
    if let Some(reason) = mark.reason(|index| layout.column_name(index)) {
        return Some(reason);
    }
    if cells.len() != layout.width {
        let cells = match cells.len() {
            1 => "1 cell".to_owned(),
            count => format!("{count} cells"),
        };
        return Some(format!("{cells} where the header has {}", layout.width));
    }
    let damaged = layout.encoding.damaged(cells.as_slice());
    damaged.then(|| "damaged UTF-16".to_owned())
}

fn email(cell: &[u8]) -> Result<Email, Why> {
    let text = std::str::from_utf8(cell).map_err(|_| NOT_UTF8)?;
    // Before trimming: a break at its end may be all there is to see of a swallowed row.
    if text.contains(['\n', '\r']) {
        return Err("a line break inside the cell");
    }
    let text = text.trim();
    if text.is_empty() {
        return Err("empty");
    }
    if text.matches('@').count() > 1 {
        return Err("more than one @");
    }
    if text.chars().any(is_invisible) {
        return Err("an invisible character");
    }
    Email::parse(text).ok_or("not an e-mail address")
}

/// Marks that show nothing or turn the writing direction. Such an address looks like another
/// one, and two files glued together leave a byte order mark in the middle.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{61C}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}

fn password(cell: &[u8], delimiter: u8) -> Result<Option<Secret>, Why> {
    let text = std::str::from_utf8(cell).map_err(|_| NOT_UTF8)?;
    if text.is_empty() {
        return Ok(None);
    }
    if holds_rows(text, delimiter) {
        return Err("other rows inside the cell, as between two stray quotes");
    }
    if text.trim().is_empty() {
        return Err("nothing but white space");
    }
    Ok(Some(Secret::new(text.to_owned())))
}

/// A line break may be part of a password. But two stray quotes, each in a row of its own, make
/// a sound record whose password is the end of one row, all those between, and the start of
/// another: then there is a line with an address among its cells.
fn holds_rows(text: &str, delimiter: u8) -> bool {
    let address = |cell: &str| Email::parse(cell.trim_matches(['"', ' '])).is_some();
    text.split(['\n', '\r']).skip(1).any(|line| line.split(char::from(delimiter)).any(address))
}

fn phone(cell: &[u8], numbering: &Numbering) -> Result<Option<Phone>, Why> {
    let text = std::str::from_utf8(cell).map_err(|_| NOT_UTF8)?.trim();
    if text.is_empty() {
        return Ok(None);
    }
    numbering.read(text).map(Some)
}
