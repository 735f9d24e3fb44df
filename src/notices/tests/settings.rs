//! What is refused before anything is sent, in words that name the key and no secret.

use super::*;

const SMTP: &str = "[notices.smtp]\nhost = \"127.0.0.1\"\nsecurity = \"none\"";
const FROM: &str = "from = \"it@example.com\"";

fn refusal(more: &str, way: &str) -> String {
    settings(more, way, PasswordInMail::No).map(drop).unwrap_err().to_string()
}

#[test]
fn a_bad_setting_is_named() {
    let hook = "[notices.webhook]\nurl = \"https://example.com/\"";
    for (more, way, sentence) in [
        (FROM, String::new(), "[notices] needs one of"),
        (FROM, format!("{SMTP}\n{hook}"), "exclude each other"),
        ("", SMTP.to_owned(), "[notices] from is missing"),
        ("from = \"it\"", SMTP.to_owned(), "[notices] from: "),
        (
            "from = \"it@example.com\\r\\nBcc: a@example.com\"",
            SMTP.to_owned(),
            "[notices] from: holds a control",
        ),
        ("from = \"jörg@example.com\"", SMTP.to_owned(), "[notices] from: "),
        (FROM, hook.to_owned(), "[notices] from is for"),
        (FROM, SMTP.replace("127.0.0.1", "mail.example.com"), "accepted for loopback addresses only"),
        (FROM, SMTP.replace("127.0.0.1", "a b"), "[notices.smtp] host is neither"),
        (FROM, format!("{SMTP}\ntimeout = \"0s\""), "[notices.smtp] timeout: expected"),
        (FROM, format!("{SMTP}\ntimeout = \"11m\""), "[notices.smtp] timeout: expected"),
        (FROM, format!("{SMTP}\nusername = \"it\""), "username needs a password_file"),
        (FROM, format!("{SMTP}\npassword_file = \"x\""), "password_file needs a username"),
        (FROM, format!("{SMTP}\nca_file = \"Cargo.toml\""), "[notices.smtp] ca_file"),
        (FROM, format!("{SMTP}\nca_file = \"nowhere\""), "[notices.smtp] ca_file"),
        ("", hook.replace("https", "http"), "[notices.webhook] url is plain http"),
        ("", hook.replace("//", "//u:p@"), "[notices.webhook] url holds a user name"),
        ("", hook.replace("https", "ftp"), "[notices.webhook] url: expected https"),
        ("html_template = \"x\"", format!("{FROM}\n{SMTP}"), "html_template needs a text_template"),
        ("text_template = \"nowhere\"", format!("{FROM}\n{SMTP}"), "[notices] text_template"),
        ("subject = \"a\\nb\"", format!("{FROM}\n{SMTP}"), "[notices] subject holds a line break"),
        (
            "claim_url = \"http://example.com\"",
            format!("{FROM}\n{SMTP}"),
            "[notices] claim_url is plain http",
        ),
        ("claim_url = \"x\"", format!("{FROM}\n{SMTP}"), "[notices] claim_url is no URL"),
    ] {
        let refused = refusal(more, &way);
        assert!(refused.contains(sentence), "{more} {way}: {refused}");
    }
}

#[test]
fn a_key_that_nobody_knows_is_refused() {
    for toml in ["[notices]\nform = 1", "[notices.smtp]\npasword_file = 1", "[notices.webhook]\nbody = 1"] {
        let error = table(toml).unwrap_err();
        assert!(error.message().contains("unknown field"), "{error}");
    }
}

#[test]
fn a_secret_comes_from_a_file_of_ones_own_or_the_environment() {
    use std::os::unix::fs::PermissionsExt as _;

    let file = tempfile::NamedTempFile::new().unwrap();
    let way = format!("{SMTP}\nusername = \"it\"\npassword_file = {:?}", file.path());
    let write = |text, mode| {
        std::fs::write(file.path(), text).unwrap();
        std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    for (text, mode, sentence) in [
        ("canary4711", 0o640, "can be read by others (mode 640)"),
        ("\n", 0o600, "the secret is empty"),
        ("canary4711\r\nx", 0o600, "holds a line break"),
    ] {
        write(text, mode);
        let refused = refusal(FROM, &way);
        assert!(refused.contains(sentence) && !refused.contains("canary4711"), "{refused}");
        let hook = format!(
            "[notices.webhook]\nurl = \"https://example.com\"\nauthorization_file = {:?}",
            file.path()
        );
        assert!(refusal("", &hook).contains(sentence));
    }
    let inline = way.replace(file.path().to_str().unwrap(), "canary4711");
    assert!(!refusal(FROM, &inline).contains("canary4711"));

    let toml = format!("[notices]\norganisation = \"a\"\ncontact = \"b\"\n{FROM}\n{SMTP}\nusername = \"it\"");
    let smtp_password = Some(Secret::new("canary4711".to_owned()));
    let settings =
        table(&toml).unwrap().check(Around { smtp_password, ..around(PasswordInMail::No) }).unwrap();
    assert!(!format!("{settings:?}").contains("canary4711"));
}
