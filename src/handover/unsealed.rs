//! Opening what was sealed, with an age identity, one entry after the other.
//!
//! Only whole messages are opened. What is wrong with one is told with its number, and the next is read
//! all the same: its passwords are in use.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::Path;

use age::armor::ArmoredReader;
use age::x25519::Identity;
use age::{DecryptError, Decryptor};
use secrecy::zeroize::Zeroizing;

use super::series::{Part, Series};
use super::table::Rows;
use crate::domain::secret::Secret;
use crate::domain::text::printable;
use crate::files;

/// No file of identities is longer.
const LONGEST: u64 = 1 << 20;

/// A password that was sealed, and whose it is.
#[derive(Debug)]
pub(crate) struct Opened {
    /// Its number in the file.
    pub(crate) seal: u64,
    /// Line of the input on which the record begins.
    pub(crate) line: u64,
    /// The address in the input.
    pub(crate) email: String,
    /// The account that it was made for.
    pub(crate) user_id: String,
    /// The password.
    pub(crate) password: Secret,
}

/// Why a message was not opened, or not all of it. Messages count from 1.
#[derive(Debug)]
pub(crate) enum Fault {
    /// It was never finished. What it was to hold was never used.
    Torn(u64),
    /// It is not as it was written.
    Damaged(u64, &'static str),
    /// It is sealed to others.
    Locked(u64),
    /// The file cannot be read any further.
    Disk(io::Error),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Torn(number) => write!(f, "message {number} was cut short before it was used"),
            Self::Damaged(number, why) => write!(f, "message {number} is damaged: {why}"),
            Self::Locked(number) => write!(f, "message {number} is sealed to another key than this"),
            Self::Disk(error) => write!(f, "reading failed: {error}"),
        }
    }
}

/// The entries of a file, in the order in which they were sealed.
pub(crate) struct Unsealed<R = BufReader<File>> {
    series: Series<R>,
    identities: Vec<Identity>,
    /// Messages begun.
    number: u64,
    /// Of the last of them.
    rows: Option<Rows>,
    ended: bool,
}

impl Unsealed {
    /// Opens a file with the identities in another.
    pub(crate) fn read(file: &Path, identities: &Path) -> Result<Self, String> {
        let identities = read_identities(identities)?;
        let opened = files::open_read(file);
        let opened = opened.map_err(|error| format!("{}: {error}", printable(&file.to_string_lossy())))?;
        Ok(Self::new(BufReader::with_capacity(1 << 16, opened), identities))
    }
}

impl<R: BufRead> Unsealed<R> {
    pub(super) const fn new(file: R, identities: Vec<Identity>) -> Self {
        Self { series: Series::new(file), identities, number: 0, rows: None, ended: false }
    }

    /// Opens the next message. `None`: there is no other.
    fn open_next(&mut self) -> Option<Result<Rows, Fault>> {
        let part = self.series.next()?;
        self.number += 1;
        Some(match part {
            Ok(Part::Message { first, last, armor }) => self.opened(first, last, &armor),
            Ok(Part::Torn) => Err(Fault::Torn(self.number)),
            Ok(Part::Damaged(why)) => Err(Fault::Damaged(self.number, why)),
            Err(error) => {
                self.ended = true;
                Err(Fault::Disk(error))
            }
        })
    }

    fn opened(&self, first: u64, last: u64, armor: &[u8]) -> Result<Rows, Fault> {
        let identities = self.identities.iter().map(|identity| identity as &dyn age::Identity);
        // Longer than what comes out of it, so that nothing has to be moved.
        let mut table = Zeroizing::new(Vec::with_capacity(armor.len()));
        let opened = Decryptor::new_buffered(ArmoredReader::new(armor))
            .and_then(|message| message.decrypt(identities))
            .and_then(|mut message| Ok(message.read_to_end(&mut table)?));
        match opened {
            Ok(_) => Rows::new(table, first, last).ok_or(Fault::Damaged(self.number, STRANGE)),
            Err(DecryptError::NoMatchingKeys) => Err(Fault::Locked(self.number)),
            // age's words are left out: they are in the language of the machine.
            Err(_) => Err(Fault::Damaged(self.number, "it cannot be opened")),
        }
    }
}

const STRANGE: &str = "it does not hold what it says";

impl<R: BufRead> Iterator for Unsealed<R> {
    type Item = Result<Opened, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.rows.as_mut().and_then(Rows::read) {
                Some(Ok(opened)) => return Some(Ok(opened)),
                Some(Err(())) => {
                    self.rows = None;
                    return Some(Err(Fault::Damaged(self.number, STRANGE)));
                }
                None if self.ended => return None,
                None => match self.open_next()? {
                    Ok(rows) => self.rows = Some(rows),
                    Err(fault) => return Some(Err(fault)),
                },
            }
        }
    }
}

/// The secret keys in a file as `age-keygen` writes it. Nothing of it is repeated in words.
fn read_identities(path: &Path) -> Result<Vec<Identity>, String> {
    let name = printable(&path.to_string_lossy());
    let file = files::open_read(path).map_err(|error| format!("{name}: {error}"))?;
    // At once, so that nothing has to be moved.
    let mut bytes = Zeroizing::new(Vec::with_capacity(1 << 16));
    let read = file.take(LONGEST + 1).read_to_end(&mut bytes);
    let length = read.map_err(|error| format!("{name}: {error}"))?;
    let text = str::from_utf8(&bytes).ok().filter(|_| length as u64 <= LONGEST).unwrap_or("\0");
    if bytes.starts_with(b"age-encryption.org/") || text.starts_with("-----BEGIN AGE ENCRYPTED FILE-----") {
        return Err(format!(
            "{name}: protected by a passphrase, which is not supported; take that off with age -d"
        ));
    }
    let lines =
        (1_u64..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
    let identities = lines.map(|(number, line)| {
        line.trim().parse().map_err(|_| format!("{name}, line {number}: {}", refusal(line)))
    });
    let identities = identities.collect::<Result<Vec<_>, String>>()?;
    if identities.is_empty() { Err(format!("{name}: no identity in it")) } else { Ok(identities) }
}

fn refusal(line: &str) -> &'static str {
    if line.starts_with("AGE-PLUGIN-") {
        "identities of age plugins are not supported"
    } else if line.contains("PRIVATE KEY") {
        "ssh keys are not supported"
    } else if line.starts_with("age1") {
        "this is a recipient (a public key), which opens nothing"
    } else {
        "not an age identity, which would begin with AGE-SECRET-KEY-1"
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use age::secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn identities_are_read_as_age_keygen_writes_them() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let read = |text: &str| {
            fs::write(&file, text).unwrap();
            read_identities(file.path()).map(|identities| identities.len())
        };
        let key = Identity::generate();
        let secret = key.to_string();
        let (secret, public) = (secret.expose_secret(), key.to_public().to_string());
        assert_eq!(read(&format!("# created: now\n# public key: {public}\n{secret}\n\n{secret}\r\n")), Ok(2));
        let cases = [
            (String::new(), "no identity in it"),
            ("# nothing".to_owned(), "no identity in it"),
            (public, "line 1: this is a recipient (a public key), which opens nothing"),
            ("AGE-PLUGIN-YUBIKEY-1QQQ".to_owned(), "line 1: identities of age plugins are not supported"),
            ("-----BEGIN OPENSSH PRIVATE KEY-----\nx".to_owned(), "line 1: ssh keys are not supported"),
            ("age-encryption.org/v1\n-> scrypt x 18\n".to_owned(), "protected by a passphrase"),
            ("-----BEGIN AGE ENCRYPTED FILE-----\nYWdl".to_owned(), "protected by a passphrase"),
            (format!("# x\n{}", &secret[..40]), "line 2: not an age identity"),
        ];
        for (text, words) in cases {
            let error = read(&text).unwrap_err();
            assert!(error.contains(words) && !error.contains(&secret[20..40]), "{error}");
        }
        fs::write(&file, [0xff, 0xfe]).unwrap();
        assert!(read_identities(file.path()).is_err_and(|error| error.contains("not an age identity")));
        assert!(read_identities(Path::new("/dev/zero")).is_err());
    }
}
