//! Phone numbers in E.164, the form the MFA attribute carries.

use std::cell::OnceCell;
use std::fmt;
use std::str::FromStr;

use rlibphonenumber::{PhoneNumberFormat, PhoneNumberUtil, Region};

/// The country whose national numbers are accepted without `+`: `--default-country`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Country(Region);

impl FromStr for Country {
    type Err = String;

    fn from_str(code: &str) -> Result<Self, Self::Err> {
        let region = Region::from_str(&code.to_ascii_uppercase()).ok();
        let known = region.filter(|region| {
            rlibphonenumber::PHONE_NUMBER_UTIL.get_country_code_for_region(*region).is_some()
        });
        known
            .map(Self)
            .ok_or_else(|| "not an ISO 3166 country code of two letters, such as DE or US".to_owned())
    }
}

/// The longest number of E.164, country code included.
const MOST_DIGITS: usize = 15;

/// A number in E.164: `+`, country code, subscriber number, at most 15 digits.
///
/// `Debug` masks it, because it is personal data.
pub(crate) struct Phone {
    e164: String,
}

impl Phone {
    /// Reads a cell with the plans that all tests share.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn parse(cell: &str, default: Option<Country>) -> Result<Self, &'static str> {
        read(&bare(cell)?, default, &rlibphonenumber::PHONE_NUMBER_UTIL)
    }

    /// The number itself, to be put on the wire and nowhere else.
    pub(crate) fn expose(&self) -> &str {
        &self.e164
    }
}

/// The numbering plans of all countries. They take some megabytes, so they are loaded for the first
/// number that needs them, and gone with this.
pub(crate) struct Numbering {
    plans: OnceCell<PhoneNumberUtil>,
    default: Option<Country>,
    surveyed: bool,
}

impl Numbering {
    /// For numbers that nobody has read yet; `default` is the country of those without `+`.
    pub(crate) const fn new(default: Option<Country>) -> Self {
        Self { plans: OnceCell::new(), default, surveyed: false }
    }

    /// For the same cells once more, of which those that are wrong are known. Whoever reads them knows
    /// that they are the same.
    pub(crate) const fn surveyed(default: Option<Country>) -> Self {
        Self { plans: OnceCell::new(), default, surveyed: true }
    }

    /// Reads a cell after removing spaces, dots, dashes and brackets.
    ///
    /// A number must have a possible length for its country. It need not be one that is in
    /// use: numbers kept for fiction, as in sample files, are not.
    pub(crate) fn read(&self, cell: &str) -> Result<Phone, &'static str> {
        let bare = bare(cell)?;
        if self.surveyed && bare.starts_with('+') {
            return Ok(Phone { e164: bare });
        }
        read(&bare, self.default, self.plans()?)
    }

    fn plans(&self) -> Result<&PhoneNumberUtil, &'static str> {
        if cfg!(any(test, fuzzing)) {
            // They read so many inputs that they share one.
            return Ok(&rlibphonenumber::PHONE_NUMBER_UTIL);
        }
        if self.plans.get().is_none() {
            let plans = PhoneNumberUtil::new().map_err(|_| "no numbering plan can be loaded")?;
            _ = self.plans.set(plans);
        }
        self.plans.get().ok_or("no numbering plan is loaded")
    }
}

/// The cell without its layout: digits, perhaps after a `+`.
fn bare(cell: &str) -> Result<String, &'static str> {
    let bare: String = cell.chars().filter(|c| !is_layout(*c)).collect();
    if bare.strip_prefix('+').unwrap_or(&bare).bytes().all(|b| b.is_ascii_digit()) {
        Ok(bare)
    } else {
        Err("the phone number holds something other than digits")
    }
}

fn read(bare: &str, default: Option<Country>, plans: &PhoneNumberUtil) -> Result<Phone, &'static str> {
    let national = !bare.starts_with('+');
    if national && default.is_none() {
        return Err(
            "the phone number does not start with + and its country code (--default-country says which is meant)",
        );
    }
    let number = plans
        .parse(bare, default.filter(|_| national).map(|country| country.0))
        .map_err(|_| "not a phone number")?;
    let e164 = plans.format(&number, PhoneNumberFormat::E164).into_owned();
    // Some countries have numbers that are possible and longer than E.164 has room for.
    if !plans.is_possible_number(&number) || e164.len() > "+".len() + MOST_DIGITS {
        return Err("the phone number is too short or too long for its country");
    }
    // `+49 (0)30 …`: with its digits run together this would be somebody else's number.
    if !national && e164 != bare {
        return Err("a trunk prefix such as (0) stands after the country code");
    }
    Ok(Phone { e164 })
}

/// Spaces, dots, dashes and brackets, with the no-break forms that spreadsheets put in.
fn is_layout(c: char) -> bool {
    matches!(c, ' ' | '.' | '-' | '(' | ')' | '[' | ']' | '\u{a0}' | '\u{202f}' | '\u{2011}')
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[PHONE]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(cell: &str, default: Option<&str>) -> Option<String> {
        let country = default.map(|code| code.parse().unwrap());
        Phone::parse(cell, country).ok().map(|phone| phone.e164)
    }

    #[test]
    fn layout_is_removed_and_the_rest_is_kept() {
        for cell in ["+15550100199", "+1 (555) 010-0199", "+1.555.010.0199", "+1\u{a0}555\u{a0}0100199"] {
            assert_eq!(parsed(cell, None).as_deref(), Some("+15550100199"), "{cell}");
        }
        assert_eq!(parsed("+4915112345678", Some("US")).as_deref(), Some("+4915112345678"));
        assert_eq!(parsed("+390612345678", None).as_deref(), Some("+390612345678"));
    }

    #[test]
    fn a_second_reading_gives_the_same_numbers() {
        for (cell, default) in
            [("+1 (555) 010-0199", None), ("030 1234567", Some("de")), ("+390612345678", None)]
        {
            let country = || default.map(|code| code.parse().unwrap());
            let number = |numbering: &Numbering| numbering.read(cell).unwrap().e164;
            assert_eq!(number(&Numbering::new(country())), number(&Numbering::surveyed(country())));
        }
    }

    #[test]
    fn national_numbers_need_a_country() {
        assert_eq!(parsed("030 1234567", None), None);
        assert_eq!(parsed("030 1234567", Some("de")).as_deref(), Some("+49301234567"));
        assert_eq!(parsed("11001009010091", Some("de")), None);
        assert!(["Germany", "XX", "", "1"].iter().all(|code| code.parse::<Country>().is_err()));
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for cell in [
            "+49 (0)30 1234567",
            "",
            "+",
            "abc",
            "+1-800-FLOWERS",
            "+1",
            "+155501",
            "+155501001991234567",
            "+4911001009010091",
            "+15550100199;ext=5",
            "+999123456789",
            "＋15550100199",
        ] {
            assert_eq!(parsed(cell, None), None, "{cell}");
        }
    }
}
