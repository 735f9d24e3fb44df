//! One account in as few bytes as it needs.
//!
//! | bytes | hold |
//! |---|---|
//! | 1 | length of the name |
//! | 1 | length of the id; 255 for a UUID in small letters, which takes 16 bytes |
//! | 1 | length of the version; the highest bit where it is written `W/"…"`, without that; 0 for nobody |
//! | rest | name, id, version |

use crate::domain::text::unhex;
use crate::scim::identity::{Account, Listed};

const HEADER: usize = 3;
const UUID: u8 = 255;
const WEAK: u8 = 1 << 7;

/// An entry as it lies in memory.
pub(super) struct Entry<'a> {
    name: &'a [u8],
    id: Id<'a>,
    weak: bool,
    version: &'a [u8],
}

enum Id<'a> {
    Text(&'a [u8]),
    Uuid(&'a [u8]),
}

/// The bytes of an entry. Nothing for a name that is too long to be anybody's; without an account, or with
/// one that has no room here, the entry is nobody's.
pub(super) fn pack(name: &str, account: Option<&Account<'_>>) -> Option<Vec<u8>> {
    let length = u8::try_from(name.len()).ok()?;
    let mut bytes = vec![length, 0, 0];
    bytes.extend(name.as_bytes());
    let Some(Account { id, version }) = account else { return Some(bytes) };
    let weak = version.strip_prefix("W/\"").and_then(|rest| rest.strip_suffix('"'));
    let version = weak.unwrap_or(version);
    let (id_length, id) = match uuid(id) {
        Some(uuid) => (UUID, uuid.to_vec()),
        None => (u8::try_from(id.len()).unwrap_or(UUID), id.as_bytes().to_vec()),
    };
    let fits = version.len() < usize::from(WEAK) && (id_length != UUID || id.len() == 16);
    if let Some(length) = u8::try_from(version.len()).ok().filter(|_| fits) {
        bytes[1] = id_length;
        bytes[2] = length | if weak.is_some() { WEAK } else { 0 };
        bytes.extend(id);
        bytes.extend(version.as_bytes());
    }
    Some(bytes)
}

/// Makes the entry that begins here nobody's.
pub(super) fn kill(bytes: &mut [u8]) {
    bytes[2] = 0;
}

impl<'a> Entry<'a> {
    /// The entry that begins here.
    pub(super) fn read(bytes: &'a [u8]) -> Self {
        let (header, rest) = bytes.split_at(HEADER);
        let (name, rest) = rest.split_at(header[0].into());
        if header[2] == 0 {
            return Self { name, id: Id::Text(&[]), weak: false, version: &[] };
        }
        let (id, rest) = match header[1] {
            UUID => (Id::Uuid(&rest[..16]), &rest[16..]),
            length => (Id::Text(&rest[..length.into()]), &rest[length.into()..]),
        };
        let length = usize::from(header[2] & !WEAK);
        Self { name, id, weak: header[2] & WEAK != 0, version: &rest[..length] }
    }

    /// Whether it is an entry of this name, ASCII case aside.
    pub(super) fn bears(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// The account, with the name under which it was shown.
    pub(super) fn listed(&self) -> Option<Listed> {
        if self.version.is_empty() && !self.weak {
            return None;
        }
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
        let id = match self.id {
            Id::Text(id) => text(id)?,
            Id::Uuid(bytes) => hyphenated(bytes),
        };
        let version = text(self.version)?;
        let version = if self.weak { format!("W/\"{version}\"") } else { version };
        Some(Listed { user_name: text(self.name)?, id, version })
    }
}

/// The bytes of a UUID that is written as [`hyphenated`] writes it.
fn uuid(id: &str) -> Option<[u8; 16]> {
    let bytes: [u8; 16] = unhex(&id.replace('-', ""))?.try_into().ok()?;
    (hyphenated(&bytes) == id).then_some(bytes)
}

/// RFC 9562 section 4, in small letters.
fn hyphenated(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(36);
    for (place, byte) in bytes.iter().enumerate() {
        if matches!(place, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(digit.into(), 16).unwrap_or_default());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn unpacked(bytes: &[u8]) -> Option<(String, String, String)> {
        Entry::read(bytes).listed().map(|listed| (listed.user_name, listed.id, listed.version))
    }

    #[test]
    fn only_a_uuid_as_we_would_write_it_is_shortened() {
        let length = |id: &str| pack("a", Some(&Account { id, version: "1" })).unwrap().len();
        assert_eq!(length("3f0c1e52-77a1-4be1-9e7e-d3b3c6ffab12"), 3 + 1 + 16 + 1);
        for other in [
            "3F0C1E52-77a1-4be1-9e7e-d3b3c6ffab12",
            "3f0c1e5277a1-4be1-9e7e-d3b3c6ffab12-",
            "+f0c1e52-77a1-4be1-9e7e-d3b3c6ffab12",
        ] {
            assert_eq!(length(other), 3 + 1 + other.len() + 1, "{other}");
        }
    }

    #[test]
    fn what_has_no_room_is_nobody() {
        let long = "x".repeat(256);
        assert!(pack(&long, None).is_none());
        for (id, version) in [(long.as_str(), "1"), ("7", long.as_str()), (&long[..255], "1"), ("7", "")] {
            assert_eq!(unpacked(&pack("a", Some(&Account { id, version })).unwrap()), None);
        }
    }

    proptest! {
        #[test]
        fn an_account_comes_back_as_it_was_put_in(
            name in ".{0,60}", id in ".{1,60}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
            version in "W/\"[0-9a-f]{0,20}\"|.{1,30}",
        ) {
            let bytes = pack(&name, Some(&Account { id: &id, version: &version })).unwrap();
            prop_assert!(Entry::read(&bytes).bears(&name));
            prop_assert_eq!(unpacked(&bytes), Some((name, id, version)));
            let mut killed = bytes;
            kill(&mut killed);
            prop_assert_eq!(unpacked(&killed), None);
        }
    }
}
