//! Column names that are nearly those we know: whoever wrote one of them is told which is meant.
//!
//! Invariant: only words of this list are ever shown, and none where the line may be a row: a file without a
//! header has a password in its first line.

use super::layout::Meaning;

const EMAIL: [&str; 20] = [
    "account",
    "benutzer",
    "benutzername",
    "e mail address",
    "e mail adresse",
    "email address",
    "email adresse",
    "login",
    "login name",
    "mail",
    "mail address",
    "mailadresse",
    "primary email",
    "upn",
    "user",
    "user id",
    "user principal name",
    "userid",
    "userprincipalname",
    "work email",
];
const PASSWORD: [&str; 12] = [
    "initial password",
    "kennwort",
    "neues kennwort",
    "neues passwort",
    "new pass",
    "pass",
    "passwd",
    "passwort",
    "pwd",
    "secret",
    "temporary password",
    "wachtwoord",
];
const PHONE: [&str; 18] = [
    "cell",
    "cell phone",
    "cellphone",
    "handy",
    "handynummer",
    "mfa",
    "mfa number",
    "mfa phone number",
    "mfaphone",
    "mobile",
    "mobile number",
    "mobile phone",
    "phone number",
    "phonenumber",
    "tel",
    "telefon",
    "telefonnummer",
    "telephone",
];

/// The columns that are nearly known, in words. Two of a header's names must be known or nearly so: one alone
/// could be anything.
pub(super) fn hints(names: &[&str]) -> Vec<String> {
    let is_word = |name: &&str| name.chars().all(|c| c.is_alphabetic() || " -_.".contains(c));
    if !names.iter().all(is_word) {
        return Vec::new();
    }
    let known = names.iter().filter(|name| Meaning::of(name).is_some()).count();
    let nearly = names.iter().enumerate().filter_map(|(column, name)| Some((column, nearly(name)?)));
    let hints: Vec<_> = nearly
        .map(|(column, (word, meaning))| {
            let (column, meaning) = (column + 1, meaning.name());
            format!("column {column} is named {word}, should that be {meaning}?")
        })
        .collect();
    if hints.len() + known >= 2 { hints } else { Vec::new() }
}

/// A word of the list, and what is meant by it.
fn nearly(name: &str) -> Option<(&'static str, Meaning)> {
    let name = name.trim().to_lowercase().replace(['-', '_', '.'], " ");
    let lists = [(&EMAIL[..], Meaning::Email), (&PASSWORD, Meaning::Password), (&PHONE, Meaning::Phone)];
    let found = |(list, meaning): (&'static [&'static str], _)| {
        list.iter().find(|word| **word == name).map(|word| (*word, meaning))
    };
    lists.into_iter().find_map(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_is_nearly_known_says_what_is_meant() {
        let hint = |column: u32, word: &str, meaning: &str| {
            format!("column {column} is named {word}, should that be {meaning}?")
        };
        let two = [hint(1, "mail", "email"), hint(3, "passwort", "password")];
        assert_eq!(hints(&["Mail", "Vorname", " Passwort "]), two);
        assert_eq!(hints(&["E-Mail-Adresse", "phone"]), [hint(1, "e mail adresse", "email")]);
    }

    #[test]
    fn a_first_line_that_may_be_a_row_shows_nothing() {
        for row in [
            &["ann@example.com", "passwort", ""][..],
            &["ann", "login", "+15550100199"],
            &["ann", "passwort"],
            &["login", "passwort", "+15550100199"],
            &["user", "passwort", "ann@example.com"],
            &["login", "Hunter2"],
            &["login", "correct horse"],
            &[],
        ] {
            assert_eq!(hints(row), [""; 0], "{row:?}");
        }
    }
}
