//! The address that names a user, and when two addresses name the same one.

use email_address::{EmailAddress, Options};

/// An address that has the shape of RFC 5321 with a dotted domain.
#[derive(Debug, Clone)]
pub(crate) struct Email(String);

impl Email {
    /// Accepts an address, or says nothing more than that it is none.
    ///
    /// Control characters are refused even inside quotes: they have no place in a filter, a
    /// log line or a terminal.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let options =
            Options { minimum_sub_domains: 2, allow_domain_literal: false, allow_display_text: false };
        let sound =
            !text.chars().any(char::is_control) && EmailAddress::parse_with_options(text, options).is_ok();
        sound.then(|| Self(text.to_owned()))
    }

    /// The address as it was written.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `user_name` is this user's name.
    ///
    /// `userName` is case-insensitive (RFC 7643 section 4.1.1), but only ASCII is folded:
    /// `İ`, `ı` or a homoglyph are another person until the server says the very same bytes.
    pub(crate) fn names(&self, user_name: &str) -> bool {
        self.0.eq_ignore_ascii_case(user_name)
    }

    /// The form under which two rows are the same user.
    pub(crate) fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_other_text() {
        for good in ["a@example.com", "o'hara+x@sub.example.test", "jörg@example.com"] {
            assert!(Email::parse(good).is_some(), "{good}");
        }
        let bad = [
            "",
            "a",
            "a@",
            "@example.com",
            "a@localhost",
            "a@[127.0.0.1]",
            "A <a@example.com>",
            "a@example.com,b@example.com",
            "a@b@example.com",
            "a b@example.com",
            "a@example.com\n",
            "\"a\tb\"@example.com",
        ];
        for bad in bad {
            assert!(Email::parse(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn only_ascii_case_is_folded() {
        let email = Email::parse("Ann@Example.com").unwrap();
        assert!(email.names("ann@example.COM"));
        for other in
            ["ann@example.com.", "ann@example.co", "xann@example.com", "ann+x@example.com", "аnn@example.com"]
        {
            assert!(!email.names(other), "{other}");
        }
        assert!(!Email::parse("ı@example.com").unwrap().names("I@example.com"));
    }
}
