//! What is written, and what cannot be.

use super::super::settings::Way;
use super::super::template::Rendered;
use super::*;

const WAY: &str = "from = \"it@example.com\"\n[notices.smtp]\nhost = \"mail.example.com\"";
const CANARY: &str = "canary-<&>\"'-4711";

/// The settings with templates of one's own.
fn with(text: &str, html: Option<&str>, more: &str, password: PasswordInMail) -> Result<Settings, Unfit> {
    let folder = tempfile::tempdir().unwrap();
    let (text_file, html_file) = (folder.path().join("t"), folder.path().join("h"));
    std::fs::write(&text_file, text).unwrap();
    let mut keys = format!("{more}\ntext_template = {text_file:?}");
    if let Some(html) = html {
        std::fs::write(&html_file, html).unwrap();
        keys = format!("{keys}\nhtml_template = {html_file:?}");
    }
    settings(&keys, WAY, password)
}

fn words(settings: &Settings, notice: &Notice<'_>) -> Rendered {
    assert!(matches!(settings.way, Way::Mail(_)));
    settings.templates.render(notice).unwrap()
}

#[test]
fn the_default_says_who_when_what_and_how_to_object() {
    let attributes = ["password".to_owned(), "mfaSettings".to_owned(), "title".to_owned()];
    let settings = settings("", WAY, PasswordInMail::No).unwrap();
    let words = words(&settings, &notice(&attributes));
    assert_eq!(words.subject, "Your A & B account was changed");
    let text = words.text.expose();
    for part in [
        "your account ann@example.com at A & B was changed on 2026-11-22 19:05 UTC.\n",
        "What changed:\n- the password\n- the phone for the second step of signing in\n- title\n\n",
        "What to do: ",
        "Object at once: call 0100\n",
    ] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
    let html = words.html.unwrap();
    assert!(html.expose().contains("at A &amp; B was") && html.expose().contains("<li>title</li>"));
}

#[test]
fn html_is_escaped_and_a_link_is_encoded() {
    let more = "claim_url = \"https://example.com/c?u={{ user_id }}&m={{ email }}\"";
    let settings = settings(more, WAY, PasswordInMail::No).unwrap();
    let attributes = ["<script>".to_owned()];
    let hostile = Notice { to: "a&b=%2f+x@example.com", user_id: "1&2#/../é", ..notice(&attributes) };
    let words = words(&settings, &hostile);
    let url = "https://example.com/c?u=1%262%23%2F..%2F%C3%A9&m=a%26b%3D%252f%2Bx%40example.com";
    assert!(words.text.expose().contains(&format!("\n{url}\n")), "{}", words.text.expose());
    let html = words.html.unwrap();
    assert!(html.expose().contains("<li>&lt;script&gt;</li>"), "{}", html.expose());
    assert!(html.expose().contains("a&amp;b=%2f+x@example.com"), "{}", html.expose());
}

#[test]
fn a_password_is_written_with_consent_only() {
    let (text, html) =
        ("{% if password %}{{ password }}{% endif %}.", "<p>{% if password %}{{ password }}{% endif %}</p>");
    for (text, html) in [(text, None), ("x", Some(html))] {
        let refused = with(text, html, "", PasswordInMail::No).unwrap_err().to_string();
        assert!(refused.contains("mentions the password"), "{refused}");
    }
    let settings = with(text, Some(html), "", PasswordInMail::WithConsent).unwrap();
    let secret = Secret::new(CANARY.to_owned());
    let told = words(&settings, &Notice { password: Some(&secret), ..notice(&[]) });
    assert_eq!(told.text.expose(), format!("{CANARY}."));
    assert_eq!(told.html.unwrap().expose(), "<p>canary-&lt;&amp;&gt;&quot;&#x27;-4711</p>");
    assert_eq!(words(&settings, &notice(&[])).text.expose(), ".");
    for line in ["subject = \"{{ password }}\"", "claim_url = \"https://example.com/{{ password }}\""] {
        assert!(settings_with(line).to_string().contains("has no place there"), "{line}");
    }
}

fn settings_with(line: &str) -> Unfit {
    settings(line, WAY, PasswordInMail::WithConsent).unwrap_err()
}

#[test]
fn no_debug_output_holds_a_password() {
    let secret = Secret::new("canary4711".to_owned());
    let settings = with("{{ password }}", None, "", PasswordInMail::WithConsent).map(drop).unwrap_err();
    assert!(!settings.to_string().contains("sample"), "{settings}");
    let guarded = "{% if password %}{{ password }}{% endif %}.";
    let settings = with(guarded, None, "", PasswordInMail::WithConsent).unwrap();
    let notice = Notice { password: Some(&secret), ..notice(&[]) };
    let told = words(&settings, &notice);
    assert!(told.text.expose().contains("canary4711"));
    assert!(!format!("{settings:?} {told:?} {notice:?}").contains("canary4711"));
    let refused = with("{{ debug() }}", None, "", PasswordInMail::WithConsent).unwrap_err().to_string();
    assert!(refused.contains("there is no `debug`"), "{refused}");
}

#[test]
fn a_template_that_could_fail_is_refused_with_its_line() {
    for (text, sentence) in [
        ("a\nb\n{% if email %}", "text_template, line 3: syntax error"),
        ("a\n{{ email|nosuch }}", "text_template, line 2: unknown filter"),
        (
            "a\n{{ claim_url }}",
            "text_template, line 2: invalid operation: printed although it may be missing",
        ),
        ("a\n{{ email + 1 }}", "text_template, line 2: "),
        ("{% if false %}{{ mail }}{% endif %}x", "there is no `mail`; known are email, user_id"),
        ("{% include 'x' %}", "text_template"),
        (" \n", "must say something"),
    ] {
        let refused = with(text, None, "", PasswordInMail::No).unwrap_err().to_string();
        assert!(refused.starts_with("[notices] ") && refused.contains(sentence), "{text:?}: {refused}");
    }
    let unguarded = with("a\n{{ password }}", None, "", PasswordInMail::WithConsent).unwrap_err().to_string();
    assert!(unguarded.contains("line 2") && unguarded.contains("{% if … %}"), "{unguarded}");
    let html = with("a", Some("{{"), "", PasswordInMail::No).unwrap_err().to_string();
    assert!(html.contains("html_template, line 1"), "{html}");
}
