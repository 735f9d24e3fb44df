//! A value that must not be seen: passwords, the client secret, tokens.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// Text that is wiped when dropped and that nothing prints by accident.
///
/// It has no `Display`, no `Serialize` and no `Clone`; `Debug` is redacted. The only way to
/// the value is [`Secret::expose`], so a search for that word finds every use.
pub(crate) struct Secret(SecretString);

impl Secret {
    /// Takes the text over.
    pub(crate) fn new(text: String) -> Self {
        Self(SecretString::from(text))
    }

    /// The value itself, to be put on the wire and nowhere else.
    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[REDACTED]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_the_value() {
        let secret = Secret::new("hunter2".into());
        assert_eq!(format!("{secret:?} {:#?}", Some(&secret)), "[REDACTED] Some(\n    [REDACTED],\n)");
        assert_eq!(secret.expose(), "hunter2");
    }
}
