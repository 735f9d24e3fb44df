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

    /// The form under which a user is protected: alike is whatever a service could take for the same
    /// name, `ſ` and `S` or `JÖRG` and `jörg`. To protect one too many does no harm, where
    /// [`Email::names`] must not join two people.
    pub(crate) fn likeness(&self) -> String {
        self.0.to_uppercase().to_lowercase()
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

    #[test]
    fn what_could_be_taken_for_one_name_is_alike() {
        let likeness = |text: &str| Email::parse(text).unwrap().likeness();
        for (one, other) in [
            ("Boss@Example.com", "boss@example.com"),
            ("JÖRG@example.com", "jörg@example.com"),
            ("\u{212a}im@example.com", "kim@example.com"),
            ("bo\u{17f}s@example.com", "boss@example.com"),
            ("ıda@example.com", "IDA@example.com"),
            ("STRASSE@example.com", "straße@example.com"),
        ] {
            assert_eq!(likeness(one), likeness(other), "{one} {other}");
        }
        for other in ["boss+x@example.com", "bos@example.com", "boss@example.co", "bоss@example.com"] {
            assert_ne!(likeness("boss@example.com"), likeness(other), "{other}");
        }
    }
}
