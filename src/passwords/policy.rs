//! What an organisation asks of passwords, and what it should: that they do not name their user.

use secrecy::zeroize::Zeroizing;
use serde_json::Value;

use crate::domain::email::Email;
use crate::domain::secret::Secret;
use crate::domain::text::count;

/// No service takes more than this.
const LONGEST: u16 = 400;
/// Shorter pieces of a name turn up by chance.
const SHORTEST_PIECE: usize = 4;

/// How long a password has to be, and how many characters of each class it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Policy {
    /// Characters, at least.
    pub(crate) min_length: u16,
    /// Characters, at most.
    pub(crate) max_length: u16,
    /// Letters, capital or small.
    pub(crate) min_letters: u16,
    /// Capital letters.
    pub(crate) min_upper: u16,
    /// Small letters.
    pub(crate) min_lower: u16,
    /// Digits.
    pub(crate) min_digits: u16,
    /// Characters that are neither letters nor digits.
    pub(crate) min_specials: u16,
}

/// How a password gives away whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resemblance {
    /// It contains the whole address.
    Address,
    /// It contains what stands before the `@`, or a piece of that.
    Name,
}

impl Policy {
    /// What the service asks for where an organisation has not chosen otherwise.
    pub(crate) const DOCUMENTED: Self = Self {
        min_length: 8,
        max_length: LONGEST,
        min_letters: 0,
        min_upper: 1,
        min_lower: 1,
        min_digits: 1,
        min_specials: 1,
    };

    /// The policy in an organisation's authentication settings, if there is one. What is missing or no
    /// number asks for nothing.
    pub(crate) fn of_organization(json: &[u8]) -> Option<Self> {
        let settings: Value = serde_json::from_slice(json).ok()?;
        let wanted = settings.get("passwordRequirements")?.as_object()?;
        let number = |name| {
            let number = wanted.get(name).and_then(Value::as_u64).unwrap_or(0);
            u16::try_from(number).unwrap_or(u16::MAX)
        };
        Some(Self {
            min_length: number("minimumLength"),
            max_length: LONGEST,
            min_letters: number("minimumLetters"),
            min_upper: number("minimumUpper"),
            min_lower: number("minimumLower"),
            min_digits: number("minimumDigits"),
            min_specials: number("minimumSpecials"),
        })
    }

    /// What a password lacks, or has too much of.
    pub(crate) fn breaches(&self, password: &Secret) -> Vec<String> {
        let have = |class: fn(char) -> bool| password.expose().chars().filter(|c| class(*c)).count();
        let classes: [(u16, usize, &str); 5] = [
            (self.min_letters, have(char::is_alphabetic), "letter"),
            (self.min_upper, have(char::is_uppercase), "capital letter"),
            (self.min_lower, have(char::is_lowercase), "small letter"),
            (self.min_digits, have(char::is_numeric), "digit"),
            (self.min_specials, have(|c| !c.is_alphanumeric()), "special character"),
        ];
        let length = have(|_| true);
        let short = (length < self.min_length.into())
            .then(|| format!("is shorter than {}", count(self.min_length.into(), "character")));
        let long = (length > self.max_length.into())
            .then(|| format!("is longer than {}", count(self.max_length.into(), "character")));
        let lacking = classes.into_iter().filter(|(wanted, have, _)| *have < usize::from(*wanted));
        let lacking = lacking.map(|(wanted, _, class)| format!("needs {}", count(wanted.into(), class)));
        short.into_iter().chain(long).chain(lacking).collect()
    }
}

/// Whether a password contains its user's address, or a piece of the name in it, ASCII case aside.
pub(crate) fn resembles(password: &Secret, email: &Email) -> Option<Resemblance> {
    let password = Zeroizing::new(password.expose().to_ascii_lowercase());
    let address = email.as_str().to_ascii_lowercase();
    // The part before the @ may be quoted and hold another.
    let name = address.rsplit_once('@').map_or("", |(name, _)| name).trim_matches('"');
    let pieces = name.split(['.', '_', '-', '+']).chain([name]);
    if password.contains(&address) {
        Some(Resemblance::Address)
    } else if pieces
        .filter(|piece| piece.chars().count() >= SHORTEST_PIECE)
        .any(|piece| password.contains(piece))
    {
        Some(Resemblance::Name)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    #[test]
    fn an_organizations_policy_is_read_as_far_as_it_can_be() {
        let json = br#"{"multifactorAuthenticationRequired": true, "passwordRequirements": {"minimumLength": 12,
            "minimumDigits": 2, "minimumLetters": 5, "minimumUpper": 3, "minimumLower": 4, "minimumSpecials": 6,
            "minimumAgeSeconds": 3600, "expirationDays": 90}}"#;
        let policy = Policy::of_organization(json).unwrap();
        let expected = Policy {
            min_length: 12,
            max_length: 400,
            min_letters: 5,
            min_upper: 3,
            min_lower: 4,
            min_digits: 2,
            min_specials: 6,
        };
        assert_eq!(policy, expected);

        let odd = br#"{"passwordRequirements": {"minimumLength": 99999999999, "minimumDigits": -3,
            "minimumUpper": "2", "minimumLower": 1.5, "minimumSpecials": null, "minimumLetters": 1e300}}"#;
        let policy = Policy::of_organization(odd).unwrap();
        let nothing =
            Policy { min_upper: 0, min_lower: 0, min_digits: 0, min_specials: 0, ..Policy::DOCUMENTED };
        assert_eq!(policy, Policy { min_length: u16::MAX, ..nothing });

        for none in ["", "[]", "null", "{}", r#"{"passwordRequirements": 8}"#, "<html>", &"[".repeat(100_000)]
        {
            assert_eq!(Policy::of_organization(none.as_bytes()), None);
        }
    }

    #[test]
    fn a_breach_says_what_is_asked_for_and_nothing_of_the_password() {
        let policy = Policy { min_letters: 4, min_digits: 2, max_length: 12, ..Policy::DOCUMENTED };
        assert_eq!(policy.breaches(&secret("Sound+33")), [""; 0]);
        assert_eq!(
            policy.breaches(&secret("\u{c4}\u{e9}\u{df}x+\u{663}3 ")),
            [""; 0],
            "letters of any script"
        );
        let expected = [
            "is shorter than 8 characters",
            "needs 4 letters",
            "needs 1 capital letter",
            "needs 2 digits",
            "needs 1 special character",
        ];
        assert_eq!(policy.breaches(&secret("zq7")), expected);
        assert_eq!(
            policy.breaches(&secret("AAAAAAAA33+++")),
            ["is longer than 12 characters", "needs 1 small letter"]
        );
    }

    #[test]
    fn a_password_that_names_its_user_is_noticed() {
        let email = Email::parse("Ann.O-Hara+test_77@Example.com").unwrap();
        let found = |text: &str| resembles(&secret(text), &email);
        assert_eq!(found("1aNN.o-hARA+test_77@example.COM!"), Some(Resemblance::Address));
        for named in ["xann.o-hara+TEST_77x", "My-hArA-1", "Testing-1"] {
            assert_eq!(found(named), Some(Resemblance::Name), "{named}");
        }
        for other in ["ann", "77", "o", "example.com", "h-a-r-a", "", "Ann.O"] {
            assert_eq!(found(other), None, "{other}");
        }
        let short = Email::parse("bob@example.com").unwrap();
        assert_eq!(resembles(&secret("bob"), &short), None);
        assert_eq!(resembles(&secret("bob@example.com"), &short), Some(Resemblance::Address));
        let quoted = Email::parse("\"x@anna\"@example.com").unwrap();
        assert_eq!(resembles(&secret("1x@anna1"), &quoted), Some(Resemblance::Name));
    }
}
