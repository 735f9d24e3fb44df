//! The look-up's filter and address: one comparison with exactly the e-mail of the row, whatever
//! the e-mail is, and still so when it arrives.

use reqwest::Url;

use crate::domain::email::Email;
use crate::scim::client::{lookup_address, user_address};
use crate::scim::http::Base;
use crate::scim::wire::user_filter;

/// Any text as an e-mail, and as an id.
pub fn filter(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    assert_eq!(equality(&user_filter(text)).as_deref(), Some(text), "the filter holds its value");
    let base = Base::of(&Url::parse("https://api.example.com/scim/v2").unwrap()).unwrap();
    check_segment(&base, text);
    if let Some(email) = Email::parse(text) {
        assert_eq!(email.as_str(), text);
        assert!(!text.chars().any(char::is_control) && text.contains('@'));
        check_lookup(&base, text);
    }
}

/// What arrives at the server when this user is looked up.
fn check_lookup(base: &Base, email: &str) {
    let sent = &lookup_address(base, email, 26).uri().unwrap().to_string();
    assert_eq!(Url::parse(sent).unwrap().as_str(), sent, "the address means what it says");
    let query = sent.strip_prefix("https://api.example.com/scim/v2/Users?").expect("only the query varies");
    // A plus would be a blank to some, and a hash the end.
    assert!(!query.contains(['+', '#', ' ', '"']), "{query}");
    let [filter, "startIndex=26", "count=25", "attributes=id,userName,active,meta"] =
        query.split('&').collect::<Vec<_>>()[..]
    else {
        panic!("not the four parameters: {query}");
    };
    let filter = decoded(filter.strip_prefix("filter=").expect("the filter comes first"));
    assert_eq!(equality(&filter).as_deref(), Some(email));
}

/// An id is one segment of the path, and no other.
fn check_segment(base: &Base, id: &str) {
    if matches!(id, "" | "." | "..") {
        return;
    }
    let url = user_address(base, id).uri().unwrap().to_string();
    let segment = url.strip_prefix("https://api.example.com/scim/v2/Users/").expect("below Users");
    assert!(!segment.contains(['/', '\\', '?', '#']), "{segment}");
    assert_eq!(decoded(segment), id);
}

/// Percent-decoding (RFC 3986 section 2.1) and nothing else.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(rest.next().unwrap()).to_digit(16).unwrap();
                u8::try_from(digit() * 16 + digit()).unwrap()
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).unwrap()
}

/// The value of a filter that is one `userName eq VALUE` and nothing more (RFC 7644, figure 1).
fn equality(filter: &str) -> Option<String> {
    let mut words = filter.splitn(3, ' ');
    let attribute = words.next()?.eq_ignore_ascii_case("userName");
    let operator = words.next()?.eq_ignore_ascii_case("eq");
    (attribute && operator).then(|| string(words.next()?))?
}

/// A JSON string (RFC 8259 section 7) from the first character to the last.
fn string(text: &str) -> Option<String> {
    let inner = text.strip_prefix('"')?;
    let mut value = Vec::new();
    let mut rest = inner.chars();
    loop {
        match rest.next()? {
            '"' => break,
            '\\' => escape(&mut rest, &mut value)?,
            c if c < ' ' => return None,
            c => value.extend_from_slice(c.encode_utf16(&mut [0; 2])),
        }
    }
    rest.next().is_none().then(|| String::from_utf16(&value).ok())?
}

fn escape(rest: &mut impl Iterator<Item = char>, value: &mut Vec<u16>) -> Option<()> {
    value.push(match rest.next()? {
        'u' => {
            let mut unit = 0;
            for _ in 0..4 {
                unit = unit * 16 + u16::try_from(rest.next()?.to_digit(16)?).ok()?;
            }
            unit
        }
        'b' => 8,
        't' => 9,
        'n' => 10,
        'f' => 12,
        'r' => 13,
        c @ ('"' | '\\' | '/') => u16::try_from(u32::from(c)).ok()?,
        _ => return None,
    });
    Some(())
}
