//! Servers send back what they were sent: in a code or an id, cut, in other letters, encoded.
//!
//! Invariant: a name that passes here shows no more of a secret than three letters of it.

use std::ops::Range;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use ring::digest::{SHA256, digest};

use crate::domain::secret::Secret;
use crate::domain::target::Target;
use crate::domain::text::{hex, hex_digits};

/// So long a part of a password or a phone number is an echo and no accident.
const RUN: usize = 4;
/// The same for what is long and random: credentials, and whatever is encoded.
const LONG_RUN: usize = 8;

/// Whether a name shares a part with the password, the phone number or a further attribute of this row.
pub(crate) fn of_row(name: &str, target: &Target) -> bool {
    // Attributes are words more often than not, and so are the names of errors.
    let mut attributes = target.attributes.iter().map(|value| value.text.expose());
    secrets(target).any(|secret| share(name, secret, RUN))
        || attributes.any(|text| share(name, text, LONG_RUN))
}

/// Whether an id holds all of the password or of the phone number. An id cannot be left out, so
/// less is left to chance.
pub(crate) fn of_row_in_id(id: &Id, target: &Target) -> bool {
    secrets(target).any(|secret| id.may_hold(secret) && whole(secret).any(|form| id.holds(form.as_bytes())))
}

/// An account's id, as secrets are looked for in it.
#[derive(Debug)]
pub(crate) struct Id(String);

impl Id {
    /// The id as the service shows it.
    pub(crate) fn new(id: &str) -> Self {
        Self(joined(id))
    }

    fn holds(&self, form: &[u8]) -> bool {
        let Some(first) = form.first() else { return true };
        let mut parts = self.0.as_bytes().windows(form.len());
        parts.any(|part| part[0] == *first && part == form)
    }

    /// Whether it holds so much as the beginning of a form. Nearly no id does, and to make all forms of each
    /// row's secrets costs more than anything else about an id.
    fn may_hold(&self, secret: &str) -> bool {
        let Some((&start, _)) = secret.as_bytes().split_first_chunk() else { return true };
        (0..3).any(|shift| self.holds(Beginning::in_base64(start, shift).letters()))
            || self.holds(Beginning::in_hex(start).letters())
            || self.holds(joined(secret).as_bytes())
    }
}

/// So many bytes of a secret decide how its encoded forms begin: base64 takes three at a time.
const START: usize = 6;

/// How a form begins, in small letters and digits.
struct Beginning {
    text: [u8; 2 * START],
    len: usize,
}

impl Beginning {
    fn in_base64(start: [u8; START], shift: usize) -> Self {
        let mut shifted = [b'x'; START];
        shifted[shift..].copy_from_slice(&start[..START - shift]);
        let mut text = [0; 2 * START];
        // Six bytes are eight letters.
        let len = BASE64_URL_SAFE_NO_PAD.encode_slice(shifted, &mut text).unwrap_or_default();
        Self::of(text, shift.next_multiple_of(4)..len)
    }

    fn in_hex(start: [u8; START]) -> Self {
        let mut text = [0; 2 * START];
        for (digits, byte) in text.chunks_exact_mut(2).zip(start) {
            digits.copy_from_slice(&hex_digits(byte));
        }
        Self::of(text, 0..2 * START)
    }

    fn of(mut text: [u8; 2 * START], range: Range<usize>) -> Self {
        let mut len = 0;
        for at in range {
            if text[at].is_ascii_alphanumeric() {
                text[len] = text[at].to_ascii_lowercase();
                len += 1;
            }
        }
        Self { text, len }
    }

    fn letters(&self) -> &[u8] {
        &self.text[..self.len]
    }
}

/// A credential, and the forms in which an id might hold it. They are looked for in every id, so they
/// are made once.
#[derive(Debug)]
pub(crate) struct Credential {
    written: Vec<Secret>,
    whole: Vec<Secret>,
}

impl Credential {
    /// One that is about to be sent.
    pub(crate) fn new(secret: &str) -> Self {
        Self::written([secret.to_owned()])
    }

    /// A client secret: as it is, and as it is sent (RFC 6749 section 2.3.1), which is something else where it
    /// holds more than letters and digits.
    pub(crate) fn of_client(secret: &str) -> Self {
        let sent = form_encoded(secret);
        let differs = sent != secret;
        Self::written(std::iter::once(secret.to_owned()).chain(differs.then_some(sent)))
    }

    fn written(texts: impl IntoIterator<Item = String>) -> Self {
        let written: Vec<_> = texts.into_iter().map(Secret::new).collect();
        let whole = written.iter().flat_map(|text| whole(text.expose())).map(Secret::new).collect();
        Self { written, whole }
    }

    /// Whether a name shares a part with it.
    pub(crate) fn shares(&self, name: &str) -> bool {
        self.written.iter().any(|text| share(name, text.expose(), LONG_RUN))
    }

    /// Whether an id holds all of it.
    pub(crate) fn is_in(&self, id: &Id) -> bool {
        self.whole.iter().any(|form| id.holds(form.expose().as_bytes()))
    }
}

/// A space is `%20`, which every decoder understands; many do not know `+`.
pub(crate) fn form_encoded(text: &str) -> String {
    let encoded: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
    encoded.replace('+', "%20")
}

/// All of a secret in each of its forms, letters and digits only; none of one so short that it would be
/// found by accident.
fn whole(secret: &str) -> impl Iterator<Item = String> {
    let plain = Some(joined(secret)).filter(|plain| plain.len() >= LONG_RUN);
    let encoded = plain.is_some().then(|| encoded(secret)).into_iter().flatten();
    let encoded = encoded.map(|mut form| {
        form.retain(|c| c.is_ascii_alphanumeric());
        form
    });
    plain.into_iter().chain(encoded)
}

fn secrets(target: &Target) -> impl Iterator<Item = &str> {
    let phone = target.phone.as_ref().map(|phone| phone.expose().trim_start_matches('+'));
    target.password.value().map(Secret::expose).into_iter().chain(phone)
}

fn share(name: &str, secret: &str, run: usize) -> bool {
    if secret.len() < run {
        // A part of so short a one occurs in every word.
        return name.eq_ignore_ascii_case(secret);
    }
    let lower = name.to_ascii_lowercase();
    common(&lower, &secret.to_ascii_lowercase(), run)
        || common(&joined(name), &joined(secret), run)
        || encoded(secret).iter().any(|form| common(&lower, form, LONG_RUN))
}

/// Whether any part of this length occurs in both.
fn common(name: &str, form: &str, run: usize) -> bool {
    name.as_bytes().windows(run).any(|part| form.as_bytes().windows(run).any(|other| other == part))
}

/// Letters and digits only, in small letters: `555-01.00` is `5550100`.
fn joined(text: &str) -> String {
    if text.is_ascii() {
        let mut letters = Vec::with_capacity(text.len());
        letters.extend(text.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_lowercase()));
        return String::from_utf8(letters).unwrap_or_default();
    }
    let mut joined = String::with_capacity(text.len());
    joined.extend(text.chars().filter(|c| c.is_alphanumeric()).map(|c| c.to_ascii_lowercase()));
    joined
}

/// Hexadecimal, the digest that may have been sent in its place, and base64 however the bytes before have
/// shifted it; in small letters.
fn encoded(secret: &str) -> [String; 5] {
    let shifted = [b"xx", secret.as_bytes()].concat();
    let base64 = |shift: usize| {
        let mut text = BASE64_URL_SAFE_NO_PAD.encode(&shifted[2 - shift..]);
        text.drain(..shift.next_multiple_of(4).min(text.len()));
        text.make_ascii_lowercase();
        text
    };
    let sha256 = digest(&SHA256, secret.as_bytes());
    [base64(0), base64(1), base64(2), hex(secret.as_bytes()), hex(sha256.as_ref())]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::email::Email;
    use crate::domain::phone::Phone;
    use crate::domain::target::NewPassword;
    use proptest::prelude::*;

    fn target(password: &str) -> Target {
        Target {
            line: 2,
            email: Email::parse("a@example.com").unwrap(),
            password: NewPassword::Given(Secret::new(password.to_owned())),
            phone: Some(Phone::parse("+15550100199", None).unwrap()),
            attributes: Box::default(),
            account: None,
        }
    }

    #[test]
    fn a_client_secret_is_known_as_it_is_sent_too() {
        let secret = "a+b/c%d e&f=g?h";
        let (id, form) = ("5f1d8a6e", form_encoded(secret));
        assert_eq!(form, "a%2Bb%2Fc%25d%20e%26f%3Dg%3Fh");
        let client = Credential::of_client(secret);
        for shown in [secret.to_owned(), form.clone(), base64(&form), base64(&format!("{id}:{form}"))] {
            assert!(client.shares(&shown) && client.is_in(&Id::new(&shown)), "{shown}");
        }
        assert!(!client.shares("5f1d8a6e-0000-4000-8000-000000000000"));
    }

    fn base64(text: &str) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(text)
    }

    #[test]
    fn an_echo_is_known_in_other_letters_in_parts_and_encoded() {
        let target = target("hunter2-Long!ä");
        for echo in [
            "hunter2-Long",
            "HUNTER2-LONG",
            "xhunter2x",
            "unte",
            "h.u.n.t.e.r",
            "15550100199",
            "555-010-0199",
            "0100",
            "68756e746572322d",
            "68756E746572322D4C6F6E67",
            "aHVudGVyMi1Mb25n",
            "xx-h1bnRlcjItTG9u",
            "BFC9B5B3EEFD",
        ] {
            assert!(of_row(echo, &target), "{echo}");
        }
        for name in ["invalidValue", "too.many.requests", "3f0c1e52-77a1-4be1-9e7e-d3b3c6ffab12", "hun"] {
            assert!(!of_row(name, &target), "{name}");
        }
    }

    #[test]
    fn a_long_part_of_a_further_attribute_is_an_echo() {
        let text = Secret::new("Head of Research".to_owned());
        let value = crate::domain::target::Value { attribute: 0, text };
        let target = Target { attributes: vec![value].into(), ..target("x") };
        assert!(of_row("head-of-res", &target) && !of_row("resear", &target) && !of_row("heading", &target));
    }

    #[test]
    fn a_short_password_is_in_every_word_and_hides_none() {
        for short in ["a", "in", "val"] {
            assert!(!of_row("invalidValue", &target(short)));
            assert!(of_row(&short.to_uppercase(), &target(short)));
        }
    }

    #[test]
    fn less_of_a_credential_could_be_an_accident() {
        let token = "0123456789abcdefXYZ";
        assert!(share("x-89ABCDEF-x", token, LONG_RUN) && !share("89abcde", token, LONG_RUN));
        assert!(!share("invalid_client", "the client's secret", LONG_RUN));
    }

    #[test]
    fn an_id_is_refused_for_a_whole_secret_only() {
        let echoes =
            ["hunter2-long!ä", "1-555-010-0199", "68756e746572322d4c6f6e6721c3a4", "aHVudGVyMi1Mb25nIcOk"];
        let holds = |id: &str, password| of_row_in_id(&Id::new(id), &target(password));
        assert!(echoes.iter().all(|id| holds(id, "hunter2-Long!ä")));
        for id in ["hunter2", "0199", "3f0c1e52-77a1-4be1-9e7e-d3b3c6ffab12", "17-short"] {
            assert!(!holds(id, "hunter2-Long!ä") && !holds(id, "short"), "{id}");
        }
        let credential = Credential::new("0123456789abcdef");
        let is_in = |id: &str| credential.is_in(&Id::new(id));
        assert!(is_in("x0123456789ABCDEF") && !is_in("89abcdef"));
    }

    proptest! {
        #[test]
        fn no_form_is_passed_over_for_how_an_id_begins(
            secret in "\\PC{1,24}|[ -~]{6,24}", form in 0..5usize, before in "[a-z]{0,4}", after in "[0-9]{0,4}",
        ) {
            let forms: Vec<_> = whole(&secret).collect();
            if let Some(form) = forms.get(form) {
                let id = Id::new(&format!("{before}{form}{after}"));
                prop_assert!(id.may_hold(&secret), "{form}");
            }
        }
    }

    #[test]
    fn most_ids_hold_no_beginning() {
        let id = Id::new("3f0c1e52-77a1-4be1-9e7e-d3b3c6ffab12");
        let secrets = (0..1000).map(|number| format!("Pw-{number:09}-{}", number * 7919));
        assert!(secrets.filter(|secret| id.may_hold(secret)).count() < 10);
    }
}
