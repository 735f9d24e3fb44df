//! When a certificate ends. Of X.509 nothing else is read here, and nothing is decided by it: whom to trust
//! is for [`tls`](super::tls).

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Tags of DER (X.690).
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The end of its validity (RFC 5280 section 4.1.2.5); nothing where it cannot be read.
pub(super) fn end(der: &[u8]) -> Option<Timestamp> {
    let certificate = Element::first(der).filter(|it| it.tag == SEQUENCE)?;
    let mut field = Element::first(certificate.content).and_then(|signed| Element::first(signed.content))?;
    if field.tag == VERSION {
        field = Element::first(field.rest)?;
    }
    // Behind the serial number: algorithm, issuer, validity.
    for _ in 0..3 {
        field = Element::first(field.rest)?;
    }
    let not_before = Element::first(field.content)?;
    time(&Element::first(not_before.rest)?)
}

fn time(element: &Element<'_>) -> Option<Timestamp> {
    let digits = std::str::from_utf8(element.content).ok()?;
    let whole = match element.tag {
        UTC_TIME if digits.get(..2)? >= "50" => format!("19{digits}"),
        UTC_TIME => format!("20{digits}"),
        GENERALIZED_TIME => digits.to_owned(),
        _ => return None,
    };
    let time = DateTime::strptime("%Y%m%d%H%M%SZ", whole).ok()?;
    time.to_zoned(TimeZone::UTC).ok().map(|time| time.timestamp())
}

/// A value with its tag, and what stands behind it.
struct Element<'a> {
    tag: u8,
    content: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Element<'a> {
    fn first(bytes: &'a [u8]) -> Option<Self> {
        let (&tag, bytes) = bytes.split_first()?;
        let (&short, mut bytes) = bytes.split_first()?;
        let mut length = usize::from(short);
        if short >= 0x80 {
            let (digits, rest) = bytes.split_at_checked(usize::from(short & 0x7f))?;
            // More than four digits of base 256 are no certificate.
            length = (digits.len() <= 4)
                .then_some(digits)?
                .iter()
                .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
            bytes = rest;
        }
        let (content, rest) = bytes.split_at_checked(length)?;
        Some(Self { tag, content, rest })
    }
}

#[cfg(test)]
#[cfg(not(fuzzing))]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;

    fn certificate(name: &str) -> Vec<u8> {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tls").join(name);
        CertificateDer::from_pem_file(path).unwrap().to_vec()
    }

    #[test]
    fn a_certificate_says_when_it_ends() {
        let day = |name: &str| end(&certificate(name)).unwrap().strftime("%F").to_string();
        assert_eq!(
            (day("expired.pem"), day("loopback.pem")),
            ("2021-01-01".to_owned(), "2120-01-01".to_owned())
        );
        let sound = certificate("loopback.pem");
        assert!((0..sound.len()).all(|cut| end(&sound[..cut]).is_none()));
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_strange(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0usize..400, to: u8) {
            let _ = end(&bytes);
            let mut sound = certificate("loopback.pem");
            let at = at % sound.len();
            sound[at] = to;
            let _ = end(&sound);
        }
    }
}
