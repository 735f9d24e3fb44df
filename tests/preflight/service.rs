//! What is wrong with the service, or on the way to it.

use std::ffi::OsStr;
use std::fs;

use scim_rekey::sandbox::{Options, parse_script};

use super::{Expected, answer, found, judge, program, stage};
use crate::support::{Canary, Finished, Listener, Speaks, Stage, certificate};

/// A configuration of the service with something in its head.
fn config_with(headers: &str) -> String {
    format!(
        r#"{{"on":"config","do":{{"status":200,"headers":{{{headers}}},"body":{{"patch":{{"supported":true}},"filter":{{"supported":true,"maxResults":100}},"etag":{{"supported":true}}}}}}}}"#
    )
}

/// Preflight with this rule in force.
fn struck(stage: &Stage, rule: &str) -> Finished {
    stage.sandbox.0.set_faults(parse_script(&format!("{{\"faults\":[{rule}]}}")).unwrap());
    stage.finish(program(stage).arg("--json"))
}

/// Each by a rule of the sandbox's script. Its configuration is asked first, then whose the token is, then
/// schemas, then the policy; the list of users comes before the first row.
#[test]
fn each_thing_that_is_wrong_with_the_service_has_its_line() {
    let stage = stage(Options::default());
    let late = config_with(r#""date":"Sun, 06 Nov 1994 08:49:37 GMT""#);
    let slow = config_with(
        r#""inin-ratelimit-allowed":"100","inin-ratelimit-count":"1","inin-ratelimit-reset":"1""#,
    );
    let answers = |body: &str| format!(r#"{{"on":"config","do":{{"status":200,"body":{body}}}}}"#);
    let after = |skip: u32, what: &str| format!(r#"{{"on":"config","skip":{skip},"do":{what}}}"#);
    let for_ever = |on: &str, what: &str| format!(r#"{{"on":"{on}","times":null,"do":{what}}}"#);
    let cases: [(String, Expected<'_>); 15] = [
        (
            answers(r#"{"patch":{"supported":false},"filter":{"supported":true},"etag":{"supported":true}}"#),
            ("features", "warning: the service has filters, versions (ETag), has no PATCH", 0),
        ),
        (after(0, r#"{"status":404}"#), ("features", "warning: the service answers 404", 0)),
        (after(0, r#""html""#), ("features", "warning: the service's answer cannot be read", 0)),
        (late, ("clock", " d ahead of the service", 0)),
        (
            slow,
            ("rate", "warning: as fast as it answers for each token; the service allows 100 in a window", 0),
        ),
        (after(1, r#"{"status":403}"#), ("organisation", "warning: the service does not say whose", 0)),
        (after(2, r#"{"status":404}"#), ("attributes", "warning: the service answers 404", 0)),
        (after(3, r#"{"status":403}"#), ("password-policy", "warning: the service answers 403", 0)),
        (
            after(3, r#"{"status":200,"body":{"passwordRequirements":{"minimumLength":99}}}"#),
            ("password-policy", "warning: the passwords of 3 rows fall short of it (line 2, 3, 4)", 0),
        ),
        (r#"{"on":"lookup","do":{"status":404}}"#.to_owned(), ("rights", "failed: there are no users", 3)),
        (
            r#"{"on":"lookup","do":{"status":400}}"#.to_owned(),
            ("rights", "warning: the service answers 400", 0),
        ),
        (
            r#"{"on":"lookup","do":{"status":200,"body":{"totalResults":3,"Resources":[]}}},
               {"on":"lookup","do":"wrong_user"}"#
                .to_owned(),
            ("first-row", "warning: the user on line 2: ", 0),
        ),
        (for_ever("token", r#"{"status":503}"#), ("token", "failed: the service is unavailable", 69)),
        (for_ever("token", r#"{"status":429,"retry_after":"99"}"#), ("token", "failed: ", 75)),
        (
            for_ever("token", r#"{"redirect":"http://127.0.0.1:9/"}"#),
            ("token", "failed: the token endpoint redirects", 78),
        ),
    ];
    for (rule, expected) in cases {
        judge(&rule, &struck(&stage, &rule), expected);
    }
    // Some things are wrong wherever one looks.
    for (rule, (check, says, code)) in [
        (
            for_ever("lookup", r#"{"status":403}"#),
            ("rights", "failed: the service forbids to read users", 77),
        ),
        (for_ever("scim", r#"{"status":401}"#), ("features", "failed: the service refuses", 77)),
        (
            for_ever("config", r#"{"redirect":"http://127.0.0.1:9/"}"#),
            ("features", "failed: the service redirects", 78),
        ),
    ] {
        let done = struck(&stage, &rule).expect(code);
        let line = found(&answer(&done), check).remove(0);
        assert!(line.starts_with(says), "{line}");
    }
    assert_eq!((stage.truth().applied.len(), stage.truth().patch_requests), (0, 0));
}

#[test]
fn a_service_that_cannot_show_who_it_is_is_not_asked() {
    const NOTHING: &str = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let stage = stage(Options::default());
    for (shown, root, says) in [
        ("loopback.pem", None, "failed: "),
        ("expired.pem", Some("root.pem"), "failed: "),
        ("loopback.pem", Some("root.pem"), "certificate trusted until 2120-01-01"),
    ] {
        let listener = Listener::new(Speaks::Tls(shown), NOTHING);
        let program = program(&stage).env("GENESYS_SCIM_URL", format!("https://{}/scim", listener.address()));
        let root = root.map(|root| ["--ca-file".into(), certificate(root)]);
        let done = stage.finish(program.args(root.iter().flatten()).arg("--json"));
        let told = answer(&done);
        let line = found(&told, "service").remove(0);
        assert!(line.contains(says), "{shown}: {line}");
        assert_eq!(done.code(), if says == "failed: " { 78 } else { 3 }, "{told}");
        assert!(line.starts_with("ok") || line.contains("cannot show who it is (TLS)"), "{line}");
    }
}

#[test]
fn tokens_that_are_one_are_told_of() {
    for (same_token, says) in
        [(false, None), (true, Some("warning: the token endpoint gives one token twice"))]
    {
        let stage = stage(Options { same_token, ..Options::default() });
        let done = stage.finish(program(&stage).args(["--json", "--tokens", "3"])).expect(0);
        let lines = found(&answer(&done), "token");
        assert_eq!(lines.len(), 1 + usize::from(says.is_some()), "{lines:?}");
        assert!(says.is_none_or(|says| lines[1].starts_with(says)), "{lines:?}");
    }
}

#[test]
fn attributes_of_the_configuration_are_looked_for_too() {
    let stage =
        stage(Options { extra_attributes: vec!["urn:x:y:User:level".to_owned()], ..Options::default() });
    let settings = stage.home.path().join("settings.toml");
    let attribute = |path: &str| format!("[[attributes]]\ncolumn = '{path}'\npath = '{path}'\n");
    fs::write(
        &settings,
        [attribute("urn:x:y:User:level"), attribute("title"), attribute("nowhere")].concat(),
    )
    .unwrap();
    let done = stage.finish(program(&stage).arg("--json").arg("--config").arg(&settings)).expect(0);
    let lines = found(&answer(&done), "attributes");
    assert_eq!(lines, ["warning: the schemas of the service do not know nowhere"]);
}

#[test]
fn a_proxy_in_between_is_named_without_its_password() {
    const NOBODY: &str = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let stage = stage(Options::default());
    let (password, proxy) = (Canary::password(), Listener::new(Speaks::Intercepts("login.pem"), NOBODY));
    stage.keep_secret(&password);
    let escaped = percent_encoding::utf8_percent_encode(&password.0, percent_encoding::NON_ALPHANUMERIC);
    let looked_into = program(&stage)
        .env("HTTPS_PROXY", format!("http://me:{escaped}@{}", proxy.address()))
        .env("GENESYS_TOKEN_URL", "https://login.region.example/oauth/token")
        .args([OsStr::new("--ca-file"), certificate("root.pem").as_os_str(), OsStr::new("--json")]);
    let told = answer(&stage.finish(looked_into).expect(77));
    let words = format!(
        "ok: login.region.example answers: through the proxy {}, certificate trusted",
        proxy.address()
    );
    assert_eq!(found(&told, "token-endpoint"), [words]);
    // Nobody knows this region, and it is not on this machine.
    let elsewhere = program(&stage).env("GENESYS_SCIM_URL", "https://api.region.example/api/v2/scim/v2");
    let elsewhere = elsewhere.env("HTTPS_PROXY", format!("http://{}", proxy.address())).arg("--json");
    let away = answer(&stage.finish(elsewhere));
    let region = found(&away, "configuration").remove(0);
    assert!(
        region.starts_with("warning: https://api.region.example/") && region.contains("none of the vendor"),
        "{region}"
    );
    assert!(found(&told, "token")[0].starts_with("failed: the token endpoint refuses (401"), "{told}");
}
