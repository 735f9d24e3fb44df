//! Reads the `.expect` files of the corpus; `fixtures/input/make.py` describes them.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::Options;

/// What a file of the corpus is expected to come to.
pub(super) struct Expectation {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
    pub(super) options: Options,
    pub(super) settings: Vec<(String, String)>,
    pub(super) lines: Vec<Vec<Option<String>>>,
}

impl Expectation {
    /// The values of all settings of this name.
    pub(super) fn setting(&self, name: &str) -> Vec<&str> {
        let named = self.settings.iter().filter(|(key, _)| key == name);
        named.map(|(_, value)| value.as_str()).collect()
    }
}

/// Every file of one half of the corpus, by name.
pub(super) fn corpus(kind: &str) -> Vec<Expectation> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/input");
    let mut paths: Vec<PathBuf> = fs::read_dir(folder.join(kind))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "csv"))
        .collect();
    paths.sort();
    paths.iter().map(|path| load(path)).collect()
}

fn load(path: &Path) -> Expectation {
    let text = fs::read_to_string(path.with_extension("expect")).unwrap();
    let (mut settings, mut lines) = (Vec::new(), Vec::new());
    for line in text.lines() {
        if let Some(setting) = line.strip_prefix('#') {
            let (key, value) = setting.split_once(' ').unwrap_or((setting, ""));
            settings.push((key.to_owned(), value.to_owned()));
        } else {
            lines.push(line.split('\t').map(unescape).collect());
        }
    }
    let value = |name: &str| settings.iter().find(|(key, _)| key == name);
    let options = Options {
        default_country: value("country").map(|(_, code)| code.parse().unwrap()),
        passwords_generated: value("generated").is_some(),
        ..Options::default()
    };
    Expectation {
        name: path.file_stem().unwrap().to_string_lossy().into_owned(),
        bytes: fs::read(path).unwrap(),
        options,
        settings,
        lines,
    }
}

fn unescape(cell: &str) -> Option<String> {
    if cell == "\\0" {
        return None;
    }
    let mut plain = String::new();
    let mut letters = cell.chars();
    while let Some(letter) = letters.next() {
        plain.push(match letter {
            '\\' => match letters.next() {
                Some('t') => '\t',
                Some('n') => '\n',
                Some('r') => '\r',
                other => other.unwrap(),
            },
            other => other,
        });
    }
    Some(plain)
}
