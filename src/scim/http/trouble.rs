//! What a failure says about the request. Its text is dropped: it holds the address that was asked for, and
//! that holds the e-mail.

use std::error::Error;
use std::io;

use rustls::CertificateError;

use super::Lost;
use crate::domain::text::clean;

/// How a request failed, in words that hold nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    Unresolved,
    NoConnectionInTime,
    Refused,
    NoConnection,
    NoAnswerInTime,
    Broken,
}

impl Trouble {
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Unresolved => "its name cannot be resolved (check --region or --scim-url)",
            Self::NoConnectionInTime => "no connection in time",
            Self::Refused => "the connection is refused",
            Self::NoConnection => "no connection can be made",
            Self::NoAnswerInTime => "no answer in time",
            Self::Broken => "the connection broke",
        }
    }
}

/// How a request failed, and what that says about it.
pub(super) type Failed = (Trouble, Lost);

/// Why there is no connection. Nothing left.
pub(super) fn unconnected(error: &(dyn Error + 'static)) -> Failed {
    let trouble = match io_error(error).map(io::Error::kind) {
        // The one place where the HTTP library tells its failures apart by their words only.
        _ if error.to_string() == "dns error" => Trouble::Unresolved,
        Some(io::ErrorKind::ConnectionRefused) => Trouble::Refused,
        Some(io::ErrorKind::TimedOut) => Trouble::NoConnectionInTime,
        _ => Trouble::NoConnection,
    };
    (trouble, nothing_left(error))
}

/// Nothing left, and perhaps because the server could not show who it is.
pub(super) fn nothing_left(error: &(dyn Error + 'static)) -> Lost {
    tls_error(error).map_or(Lost::NotSent, |tls| Lost::Tls(tls_words(tls)))
}

/// The first I/O error in the chain.
pub(super) fn io_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a io::Error> {
    error.downcast_ref().or_else(|| io_error(error.source()?))
}

/// A failed handshake hides below I/O errors, whose `source` is not what they hold but what that
/// stems from.
fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let below = match error.downcast_ref::<io::Error>() {
        Some(io) => io.get_ref().map(|held| held as &(dyn Error + 'static)),
        None => error.source(),
    };
    error.downcast_ref().or_else(|| tls_error(below?))
}

/// What TLS has to say holds names from a certificate that nobody vouches for.
fn tls_words(error: &rustls::Error) -> String {
    let hint = match error {
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "; if its root certificate is your own or that of a proxy, name it with --ca-file"
        }
        _ => "",
    };
    format!("{}{hint}", clean(&error.to_string(), 200))
}
