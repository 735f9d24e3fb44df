//! Every sample works as it is.

use super::super::template::{Sources, Templates};
use super::*;

#[test]
fn every_sample_can_be_used() {
    let folder = repository().join("samples/notices");
    let (mut templates, mut tables) = (0, 0);
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let source = std::fs::read_to_string(&path).unwrap();
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("toml") => {
                let checked =
                    table(&source).unwrap().check(Around { folder: &folder, ..around(PasswordInMail::No) });
                checked.and_then(Postman::new).unwrap();
                tables += 1;
            }
            Some("txt") => {
                renders(&source, None);
                templates += 1;
            }
            Some("html") => {
                renders("x", Some(&source));
                templates += 1;
            }
            _ => panic!("{} is no sample that is known", path.display()),
        }
    }
    assert!(templates >= 4 && tables >= 2, "{templates} {tables}");
}

/// With a link and without, with a password and without.
fn renders(text: &str, html: Option<&str>) {
    for claim_url in [None, Some("https://example.com/{{ user_id }}".to_owned())] {
        let sources = Sources {
            subject: "a".to_owned(),
            text: text.to_owned(),
            html: html.map(str::to_owned),
            claim_url,
            organisation: "Example Ltd".to_owned(),
            contact: "+1 555 0100".to_owned(),
        };
        let templates = Templates::new(sources, PasswordInMail::WithConsent).unwrap();
        let attributes = ["password".to_owned()];
        let words = templates.render(&notice(&attributes)).unwrap();
        let said = words.html.as_ref().unwrap_or(&words.text);
        for part in ["ann@example.com", "Example Ltd", "2026-11-22 19:05 UTC", "+1 555 0100"] {
            assert!(said.expose().contains(part), "no {part} in {}", said.expose());
        }
    }
}

/// Whoever takes the comment signs off the keys of the sample gets what is written there.
#[test]
fn what_a_sample_shows_as_a_comment_is_a_key_too() {
    for name in ["smtp.toml", "webhook.toml"] {
        let source = std::fs::read_to_string(repository().join("samples/notices").join(name)).unwrap();
        let bare =
            |line: &str| line.strip_prefix("# ").filter(|rest| rest.contains(" = ")).map(str::to_owned);
        let all: Vec<_> = source.lines().map(|line| bare(line).unwrap_or_else(|| line.to_owned())).collect();
        assert!(all.join("\n") != source);
        table(&all.join("\n")).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}
