//! Secrets made for one test, and the search for them.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use aho_corasick::AhoCorasick;
use base64::prelude::{BASE64_STANDARD, Engine as _};

/// A secret that occurs nowhere unless the program put it there.
#[derive(Debug, Clone)]
pub(crate) struct Canary(pub(crate) String);

impl Canary {
    /// A password that needs escaping in every form in which it could leak.
    pub(crate) fn password() -> Self {
        Self(format!("Kanari\"en/{:016x}+ä&=%", rand::random::<u64>()))
    }

    /// A number kept for fiction: `+1 555 01…`.
    pub(crate) fn phone() -> Self {
        Self(format!("+155501{:05}", rand::random_range(0..100_000)))
    }

    /// A client secret with the characters that form encoding and Basic trip over.
    pub(crate) fn client_secret() -> Self {
        Self(format!("s:/+&=%ü {:016x}", rand::random::<u64>()))
    }

    /// The forms in which it could be written: raw, in other letters, JSON, URL, form, base64, hex, UTF-16.
    pub(crate) fn forms(&self) -> Vec<Vec<u8>> {
        let raw = &self.0;
        let json = serde_json::to_string(raw).unwrap();
        let ascii_json = raw.chars().fold(String::new(), |mut text, c| {
            if c.is_ascii() {
                text.push(c);
            } else {
                write!(text, "\\u{:04x}", u32::from(c)).unwrap();
            }
            text
        });
        let url = percent_encoding::utf8_percent_encode(raw, percent_encoding::NON_ALPHANUMERIC).to_string();
        let form = form_urlencoded::byte_serialize(raw.as_bytes()).collect::<String>();
        let hex = raw.bytes().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        let (small, capital) = (raw.to_lowercase(), raw.to_uppercase());
        let mut forms = vec![raw.clone(), small, capital, json.trim_matches('"').to_owned()];
        forms.extend([ascii_json, url, form, hex.to_uppercase(), hex]);
        // In base64 the bytes around shift the text; the middle of each of three shifts is the same.
        for shift in 0..3 {
            let padded = [&b"xxx"[..shift], raw.as_bytes()].concat();
            let text = BASE64_STANDARD.encode(&padded);
            forms.push(text[4..text.len() - 4].to_owned());
        }
        let utf16 = [u16::to_le_bytes, u16::to_be_bytes]
            .map(|order| raw.encode_utf16().flat_map(order).collect::<Vec<_>>());
        forms.into_iter().map(String::into_bytes).chain(utf16).collect()
    }
}

/// All forms of many canaries, looked for in one pass.
pub(crate) struct Search {
    forms: Vec<Vec<u8>>,
    automaton: AhoCorasick,
}

impl Search {
    pub(crate) fn new(canaries: impl IntoIterator<Item = Canary>) -> Self {
        // A shorter one is found in every text, and says nothing.
        let long = canaries.into_iter().filter(|canary| canary.0.len() >= 8);
        let forms: Vec<_> = long.flat_map(|canary| canary.forms()).collect();
        let automaton = AhoCorasick::new(&forms).unwrap();
        Self { forms, automaton }
    }

    /// What was found in this text, and in which form.
    pub(crate) fn text(&self, place: &str, bytes: &[u8]) -> Vec<String> {
        let found = self.automaton.find_iter(bytes);
        let form = |pattern: usize| String::from_utf8_lossy(&self.forms[pattern]);
        found.map(|found| format!("{place} holds {:?}", form(found.pattern().as_usize()))).collect()
    }

    /// The same for every file below a folder, but for those named.
    pub(crate) fn files(&self, folder: &Path, except: &[&Path]) -> Vec<String> {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                found.extend(self.files(&path, except));
            } else if path.is_file() && !except.contains(&path.as_path()) {
                found.extend(self.text(&path.display().to_string(), &fs::read(&path).unwrap_or_default()));
            }
        }
        found
    }
}

/// The search itself must be able to find something.
#[test]
fn a_leaked_canary_is_found_in_every_form() {
    let canary = Canary::password();
    let search = Search::new([canary.clone()]);
    for form in canary.forms() {
        assert_eq!(search.text("here", &[b"before ", &form[..], b" after"].concat()).len(), 1, "{form:?}");
    }
    let basic = BASE64_STANDARD.encode(format!("id:{}", canary.0));
    assert!(!search.text("here", basic.as_bytes()).is_empty());
    assert!(search.text("here", b"nothing").is_empty());
}
