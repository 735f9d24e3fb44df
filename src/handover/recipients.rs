//! Whom passwords are sealed to: age recipients, or files with one a line.
//!
//! It refuses what is no X25519 recipient, and repeats nothing of what could be a secret key.

use std::io::Read as _;
use std::panic;
use std::path::Path;

use age::x25519::Recipient;
use age::{EncryptError, Encryptor};

use crate::domain::text::{count, printable};
use crate::files;

/// No file of recipients is longer.
const LONGEST: u64 = 1 << 20;

/// Those who can open what is sealed; at least one, and each once.
pub(crate) struct Recipients(Vec<Recipient>);

impl Recipients {
    /// Reads recipients, and files of recipients, as they stand on a command line.
    pub(crate) fn parse(texts: &[String]) -> Result<Self, String> {
        let mut found = Vec::new();
        for text in texts {
            match kind(text) {
                Kind::Other => from_file(Path::new(text), &mut found)?,
                kind => take(kind, &mut found).map_err(|why| format!("--seal-to: {why}"))?,
            }
        }
        let new = Self(found);
        match panic::catch_unwind(panic::AssertUnwindSafe(|| new.encryptor().map(drop))) {
            Ok(Ok(())) => Ok(new),
            Ok(Err(_)) => Err("there is nobody to seal passwords to".to_owned()),
            // A few points of the curve are no keys; age panics.
            Err(_) => Err("one of the recipients is no key that can be sealed to".to_owned()),
        }
    }

    /// What seals one message.
    pub(super) fn encryptor(&self) -> Result<Encryptor, EncryptError> {
        Encryptor::with_recipients(self.0.iter().map(|recipient| recipient as &dyn age::Recipient))
    }
}

impl std::fmt::Debug for Recipients {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Recipients({})", self.0.len())
    }
}

enum Kind {
    Native(Recipient),
    Misspelt,
    Secret,
    Ssh,
    Plugin,
    Other,
}

fn kind(text: &str) -> Kind {
    let text = text.trim();
    let capitals = text.to_ascii_uppercase();
    if capitals.contains("AGE-SECRET-KEY-") || capitals.contains("AGE-PLUGIN-") {
        Kind::Secret
    } else if text.starts_with("ssh-") || text.starts_with("ecdsa-") || text.starts_with("sk-ssh-") {
        Kind::Ssh
    } else if let Some(data) = text.strip_prefix("age1") {
        // A plugin's recipient is named: age1NAME1…; `1` is none of the characters of the data.
        let misspelt = if data.contains('1') { Kind::Plugin } else { Kind::Misspelt };
        text.parse().map_or(misspelt, Kind::Native)
    } else {
        Kind::Other
    }
}

fn take(kind: Kind, found: &mut Vec<Recipient>) -> Result<(), &'static str> {
    match kind {
        Kind::Native(recipient) if found.contains(&recipient) => Ok(()),
        Kind::Native(recipient) => {
            found.push(recipient);
            Ok(())
        }
        Kind::Misspelt => Err("not a recipient, or misspelt: they begin with age1 and end in a checksum"),
        Kind::Secret => {
            Err("this is a secret key (an identity); give its public key, which begins with age1")
        }
        Kind::Ssh => Err("ssh keys are not supported: make an age key with age-keygen"),
        Kind::Plugin => Err("recipients of age plugins are not supported: make a key with age-keygen"),
        Kind::Other => Err("not a recipient, which would begin with age1"),
    }
}

fn from_file(path: &Path, found: &mut Vec<Recipient>) -> Result<(), String> {
    let name = printable(&path.to_string_lossy());
    let mut text = String::new();
    let file = files::open_read(path).map_err(|error| {
        format!(
            "--seal-to: {name} is neither a recipient, which begins with age1, nor a file of them: {error}"
        )
    })?;
    let read = file.take(LONGEST + 1).read_to_string(&mut text);
    if read.map_or(true, |length| length as u64 > LONGEST) {
        return Err(format!("{name}: not a file of recipients"));
    }
    let before = found.len();
    let mut named = 0;
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !is_comment(line)) {
        take(kind(line), found).map_err(|why| format!("{name}, line {number}: {why}"))?;
        named += 1;
    }
    debug_assert!(found.len() - before <= named);
    if named == 0 { Err(format!("{name}: {} in it", count(0, "recipient"))) } else { Ok(()) }
}

fn is_comment(line: &str) -> bool {
    line.trim().is_empty() || line.starts_with('#')
}

#[cfg(test)]
mod tests {
    use std::fs;

    use age::secrecy::ExposeSecret as _;
    use age::x25519::Identity;

    use super::*;

    fn parse(texts: &[&str]) -> Result<Recipients, String> {
        Recipients::parse(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn recipients_are_read_from_words_and_files_and_each_counts_once() {
        let keys = [(); 3].map(|()| Identity::generate().to_public().to_string());
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(&file, format!("# ours\r\n{}\r\n\n{}\n# end", keys[1], keys[0])).unwrap();
        let path = file.path().to_str().unwrap();
        let found = parse(&[&keys[0], path, &keys[2], &keys[2]]).unwrap();
        let found = found.0.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(found, [keys[0].clone(), keys[1].clone(), keys[2].clone()]);
    }

    #[test]
    fn other_keys_are_refused_and_a_secret_one_is_not_repeated() {
        let secret = Identity::generate().to_string();
        let secret = secret.expose_secret();
        let public = Identity::generate().to_public().to_string();
        let misspelt = format!("{}x", &public[..public.len() - 1]);
        let zero = "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq5cu47z";
        let cases = [
            (secret, "a secret key"),
            (&secret.to_lowercase(), "a secret key"),
            (&format!(" {secret}"), "a secret key"),
            ("AGE-PLUGIN-YUBIKEY-1QQQQQQQQQQQQ", "a secret key"),
            ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA me@example.com", "ssh keys are not supported"),
            ("ssh-rsa AAAAB3Nza", "ssh keys are not supported"),
            (
                "age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t",
                "plugins are not supported",
            ),
            (&misspelt, "not a recipient, or misspelt"),
            ("age1", "not a recipient, or misspelt"),
            (zero, "no key that can be sealed to"),
        ];
        for (text, words) in cases {
            let file = tempfile::NamedTempFile::new().unwrap();
            fs::write(&file, format!("{public}\n{text}\n")).unwrap();
            for error in [parse(&[text]), parse(&[&public, file.path().to_str().unwrap()])] {
                let error = error.unwrap_err();
                assert!(error.contains(words) && error.starts_with(['-', '/', 'o']), "{error}");
                assert!(!error.to_lowercase().contains(&secret[15..30].to_lowercase()), "{error}");
            }
        }
        assert_eq!(parse(&[]).unwrap_err(), "there is nobody to seal passwords to");
        assert!(parse(&["/nowhere/at all"]).unwrap_err().contains("neither a recipient"));
        assert!(parse(&["/dev/zero"]).unwrap_err().contains("not a regular file"));
        let empty = tempfile::NamedTempFile::new().unwrap();
        assert!(parse(&[empty.path().to_str().unwrap()]).unwrap_err().ends_with(": 0 recipients in it"));
        fs::write(&empty, "\u{1f511} AGE or so").unwrap();
        assert!(
            parse(&[empty.path().to_str().unwrap()]).unwrap_err().ends_with("which would begin with age1")
        );
    }
}
