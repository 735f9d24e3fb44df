//! `preflight`: whatever would keep a run from going through is said before it, by its own line and with the
//! run's own exit code, and nothing is changed.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::thread::JoinHandle;

use scim_rekey::sandbox::{Limit, Options, parse_script};
use serde_json::Value;

use crate::support::{Canary, Finished, Listener, Person, Program, Speaks, Stage, certificate, sha256_hex};

/// People in a file that nobody else may read.
fn stage(options: Options) -> Stage {
    let stage = Stage::new(Person::many(3), options);
    fs::set_permissions(stage.input(), Permissions::from_mode(0o600)).unwrap();
    stage
}

/// The same arguments as those of a run.
fn program(stage: &Stage) -> Program {
    let args = stage.run_args();
    stage.with_env(Program::new(["preflight"]).args(&args[1..])).args(["--max-attempts", "1"])
}

fn answer(done: &Finished) -> Value {
    let answer: Value =
        serde_json::from_str(&done.stdout).unwrap_or_else(|error| panic!("{error}: {done:?}"));
    assert_eq!((&answer["exit_code"], &answer["ok"]), (&done.code().into(), &(done.code() == 0).into()));
    answer
}

/// All findings of a check, as `result: found`.
fn found(answer: &Value, check: &str) -> Vec<String> {
    let of_check = answer["checks"].as_array().unwrap().iter().filter(|it| it["check"] == check);
    of_check
        .map(|it| format!("{}: {}", it["result"].as_str().unwrap(), it["found"].as_str().unwrap()))
        .collect()
}

/// Where the tests' folder is on a disk in memory, that is warned of.
fn is_about_memory(line: &str) -> bool {
    line.contains("tmpfs")
}

#[test]
fn all_is_well_and_nothing_is_changed() {
    let stage = stage(Options::default());
    let done = stage.finish(program(&stage).arg("--json")).expect(0);
    let answer = answer(&done);
    let checks = answer["checks"].as_array().unwrap();
    let names: Vec<_> = checks.iter().map(|it| it["check"].as_str().unwrap()).collect();
    let expected = [
        "input",
        "configuration",
        "client-lock",
        "run-folder",
        "folder-lock",
        "disk",
        "token-endpoint",
        "token",
        "service",
        "features",
        "clock",
        "rate",
        "organisation",
        "attributes",
        "password-policy",
        "rights",
        "first-row",
        "duration",
        "notices",
    ];
    assert_eq!(names, expected);
    for it in checks.iter().filter(|it| !is_about_memory(&it.to_string())) {
        assert_eq!((&it["result"], &it["advice"]), (&"ok".into(), &Value::Null), "{it}");
    }
    let truth = stage.truth();
    assert_eq!((truth.applied.len(), truth.patch_requests, truth.token_requests), (0, 0, 1));
    assert!(truth.requests.iter().all(|seen| seen.method == "GET" || seen.path == "/oauth/token"));
    assert!(truth.requests.len() > 5);
    let left = fs::read_dir(stage.home.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(left.collect::<Vec<_>>(), ["users.csv"], "nothing is made");
}

#[test]
fn people_read_a_line_for_each_check_and_only_what_matters_if_they_like() {
    let stage = stage(Options::default());
    let done = stage.finish(program(&stage)).expect(0);
    assert!(
        done.stdout.lines().all(|line| line.starts_with('\u{2713}') || is_about_memory(line)),
        "{done:?}"
    );
    assert!(!done.stdout.contains('\u{1b}') && done.stdout.lines().count() == 19, "{done:?}");
    let quiet = stage.finish(program(&stage).arg("--quiet")).expect(0);
    assert!(quiet.stdout.lines().all(is_about_memory), "{quiet:?}");
    let quiet = stage.finish(program(&stage).args(["--quiet", "--mfa-path", "other"])).expect(0);
    let lines: Vec<_> = quiet.stdout.lines().filter(|line| !is_about_memory(line)).collect();
    assert!(lines.len() == 1 && lines[0].starts_with("! attributes      the schemas"), "{lines:?}");
    assert!(lines[0].contains("; try it with one user first"), "{lines:?}");
}

#[test]
fn without_input_nothing_is_said_about_rows() {
    let stage = stage(Options::default());
    let bare = || stage.with_env(Program::new(["preflight", "--json", "--rate", "unlimited"]));
    let told = answer(&stage.finish(bare()).expect(0));
    for check in ["input", "first-row", "duration", "run-folder"] {
        assert_eq!(found(&told, check), [""; 0], "{check}");
    }
    assert_eq!(found(&told, "token").len(), 1);
    let told = answer(&stage.finish(bare().env("GENESYS_CLIENT_SECRET", "")).expect(78));
    assert_eq!(
        found(&told, "token"),
        ["not_checked: not checked: the configuration does not say whom to ask"]
    );
    let done =
        stage.finish(Program::new(["preflight", "--sandbox", "--json", "--rate", "unlimited"])).expect(0);
    assert_eq!(found(&answer(&done), "organisation").len(), 1);
}

/// What is done to a command line.
type Change = Box<dyn Fn(Program) -> Program>;
/// A check that does not say yes: its name, what it says, and the exit code.
type Expected<'a> = (&'a str, &'a str, i32);

/// What programs find in each answer, whatever is wrong.
const ALWAYS: [&str; 11] = [
    "configuration",
    "token-endpoint",
    "token",
    "service",
    "features",
    "clock",
    "rate",
    "organisation",
    "attributes",
    "password-policy",
    "rights",
];

/// What is expected of one answer; every other check says yes or could not be made.
#[track_caller]
fn judge(case: &str, done: &Finished, (check, says, code): Expected<'_>) {
    assert_eq!(done.code(), code, "{case}: {done:?}");
    let told = answer(done);
    let lines = found(&told, check);
    assert!(lines.iter().any(|line| line.contains(says)), "{case}: {lines:?} in {told}");
    let others = told["checks"].as_array().unwrap().iter();
    let mut others =
        others.filter(|it| it["check"] != check && it["result"] != "ok" && it["result"] != "not_checked");
    let other = others.find(|it| !is_about_memory(&it.to_string()));
    assert!(other.is_none(), "{case}: {}", other.unwrap());
    assert!(ALWAYS.iter().all(|check| !found(&told, check).is_empty()), "{case}: {told}");
    for it in told["checks"].as_array().unwrap() {
        let has_advice = it["advice"].as_str().is_some_and(|advice| !advice.is_empty());
        assert_eq!(has_advice, it["result"] == "warning" || it["result"] == "failed", "{case}: {it}");
    }
}

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
            r#"{"on":"lookup","skip":1,"do":"wrong_user"}"#.to_owned(),
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
fn each_thing_that_is_wrong_on_this_side_has_its_line_and_the_code_of_the_run() {
    let stage = stage(Options::default());
    let home = stage.home.path();
    let path = |name: &str| home.join(name).to_str().unwrap().to_owned();
    fs::create_dir(home.join("open")).unwrap();
    fs::set_permissions(home.join("open"), Permissions::from_mode(0o777)).unwrap();
    for (name, log) in [("torn", "no log at all\n"), ("held", "")] {
        fs::create_dir(home.join(name)).unwrap();
        fs::set_permissions(home.join(name), Permissions::from_mode(0o700)).unwrap();
        fs::write(home.join(name).join("audit.jsonl"), log).unwrap();
    }
    let held = File::create(home.join("held/run.lock")).unwrap();
    held.lock().unwrap();
    let with = |words: &[&str]| -> Change {
        let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
        Box::new(move |program| program.args(&words))
    };
    let env = |name: &'static str, value: &'static str| -> Change {
        Box::new(move |program| program.env(name, value))
    };
    let cases: [(Change, Expected<'_>); 15] = [
        (with(&["--readable"]), ("settings", "failed: --readable is about generated passwords", 2)),
        (with(&["--protect", &path("nobody.txt")]), ("protect", "failed: --protect", 78)),
        (env("GENESYS_CLIENT_SECRET", ""), ("configuration", "failed: no client secret", 78)),
        (
            env("GENESYS_SCIM_URL", "http://example.com/"),
            ("configuration", "failed: --scim-url is plain http", 78),
        ),
        (with(&["--run-dir", &path("users.csv/run")]), ("run-folder", "failed: ", 73)),
        (with(&["--run-dir", &path("open")]), ("run-folder", "can be written by others", 78)),
        (with(&["--run-dir", &path("torn")]), ("run-folder", "cannot be trusted", 65)),
        (
            with(&["--run-dir", &path("held")]),
            ("folder-lock", "failed: another process works in this run folder", 75),
        ),
        (with(&["--ca-file", &path("users.csv")]), ("tls", "failed: cannot set up TLS", 78)),
        (
            env("GENESYS_CLIENT_SECRET", "another"),
            ("token", "failed: the token endpoint does not know this client (invalid_client)", 77),
        ),
        (
            env("GENESYS_TOKEN_URL", "http://127.0.0.1:9/"),
            ("token-endpoint", "failed: 127.0.0.1:9 cannot be reached: the connection is refused", 69),
        ),
        (
            env("GENESYS_SCIM_URL", "http://127.0.0.1:9/api/v2/scim/v2"),
            ("service", "failed: 127.0.0.1:9 cannot be reached", 69),
        ),
        (
            env("GENESYS_SCIM_URL", "http://localhost:9/"),
            ("service", "failed: localhost:9 cannot be reached", 69),
        ),
        (
            with(&["--mfa-path", "other"]),
            ("attributes", "warning: the schemas of the service do not know other, where MFA", 0),
        ),
        (with(&["--token-auth", "body"]), ("token", "ok: granted", 0)),
    ];
    for (number, (change, expected)) in cases.iter().enumerate() {
        let done = stage.finish(change(program(&stage)).arg("--json"));
        judge(&number.to_string(), &done, *expected);
        // With three rows and one attempt for each, a service that is away makes a run of three failed rows.
        if expected.2 != 0 && expected.0 != "service" {
            let program = change(stage.program()).args(["--max-attempts", "1", "--max-outage", "0s"]);
            let run = stage.finish(program);
            assert_eq!(run.code(), expected.2, "{number}: the run itself: {}", run.stderr);
            let _ = fs::remove_dir_all(stage.run_dir());
        }
    }
    assert_eq!(stage.truth().applied.len(), 0);
    let told = answer(&stage.finish(cases[9].0(program(&stage)).arg("--json")));
    let token = told["checks"].as_array().unwrap().iter().find(|it| it["check"] == "token").unwrap();
    assert!(token["advice"].as_str().unwrap().starts_with("check the region first"), "{token}");
}

#[test]
fn what_does_not_depend_on_a_failure_is_checked_all_the_same() {
    let stage = stage(Options::default());
    let program = program(&stage).env("GENESYS_TOKEN_URL", "http://127.0.0.1:9/").arg("--json");
    let told = answer(
        &stage.finish(program.args(["--run-dir", stage.input().join("x").to_str().unwrap()])).expect(73),
    );
    for (check, starts) in [
        ("input", "ok"),
        ("run-folder", "failed"),
        ("disk", "ok"),
        ("token-endpoint", "failed"),
        ("token", "not_checked: not checked: "),
        ("service", "ok"),
        ("rights", "not_checked: not checked: there is no token"),
    ] {
        assert!(found(&told, check)[0].starts_with(starts), "{check} in {told}");
    }
}

#[test]
fn a_run_of_the_same_client_elsewhere_is_told_of() {
    let stage = stage(Options::default());
    let name = sha256_hex(format!("{}\nclient:1", stage.sandbox.0.scim_url()).as_bytes());
    let path = PathBuf::from(format!("/tmp/scim-rekey-{}.lock", &name[..16]));
    let lock = File::create(&path).unwrap();
    lock.lock().unwrap();
    let done = stage.finish(program(&stage).arg("--json"));
    fs::remove_file(path).unwrap();
    judge(
        "lock",
        &done,
        ("client-lock", "failed: another process works with this client on this service", 75),
    );
}

#[test]
fn bad_lines_are_counted_and_a_file_that_is_not_there_is_missed() {
    let stage = stage(Options::default());
    let mut text = fs::read_to_string(stage.input()).unwrap();
    text.push_str("nobody,x,\nann@example.com,,,,\n");
    fs::write(stage.input(), text).unwrap();
    let preflight = |args: &[&str]| stage.finish(program(&stage).arg("--json").args(args));
    judge(
        "bad",
        &preflight(&[]),
        ("input", "5 rows, comma between cells, UTF-8; 2 lines cannot be run (line 5, 6)", 65),
    );
    judge("left out", &preflight(&["--skip-bad-rows"]), ("input", "warning: ", 0));
    fs::set_permissions(stage.input(), Permissions::from_mode(0o644)).unwrap();
    judge("readable", &preflight(&["--skip-bad-rows"]), ("input", "can be read by others", 0));
    fs::remove_file(stage.input()).unwrap();
    judge("missing", &preflight(&[]), ("input", "failed: ", 66));
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
fn a_run_is_reckoned_at_the_rate_that_it_would_have() {
    let options = Options { limit: Some(Limit::window(600, 60_000)), ..Options::default() };
    let stage = stage(options);
    let words = |args: &[&str]| {
        let told = answer(&stage.finish(program(&stage).arg("--json").args(args)).expect(0));
        (found(&told, "rate").remove(0), found(&told, "duration").remove(0))
    };
    let (rate, time) = words(&["--rate", "1000/s"]);
    assert!(rate.starts_with("warning: 1000/s for each token; the service allows 600 in a window"), "{rate}");
    assert!(time.starts_with("ok: 3 rows: 6 requests by filter in about 1 s"), "{time}");
    let (rate, _) = words(&["--rate", "auto"]);
    assert!(rate.starts_with("ok: as much as it allows"), "{rate}");
    let (_, time) = words(&["--rate", "1000/s", "--max-duration", "500ms"]);
    assert!(
        time.starts_with("warning: 3 rows: ") && time.ends_with("the time for it is over in 0 s"),
        "{time}"
    );
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
fn passwords_that_nobody_could_make_are_told_of() {
    let wants = serde_json::json!({"minimumLength": 500});
    let stage = stage(Options { password_requirements: Some(wants), ..Options::default() });
    fs::write(stage.input(), "email\nann@example.com\n").unwrap();
    fs::set_permissions(stage.input(), Permissions::from_mode(0o600)).unwrap();
    let key = age::x25519::Identity::generate().to_public().to_string();
    let makes = ["--generate-passwords", "--seal-to", &key];
    let done = stage.finish(program(&stage).arg("--json").args(makes)).expect(78);
    assert!(found(&answer(&done), "password-policy")[1].starts_with("failed: "), "{done:?}");
    let run = stage.finish(stage.program().args(makes));
    assert_eq!(run.code(), 78, "the run itself: {}", run.stderr);
}

#[test]
fn the_run_in_the_folder_is_told_of() {
    let stage = stage(Options::default());
    let folder = |code| {
        let told = answer(&stage.finish(program(&stage).arg("--json")).expect(code));
        found(&told, "run-folder").remove(0)
    };
    stage.finish(stage.program().arg("--dry-run")).expect(0);
    assert!(folder(65).starts_with("failed: "), "a rehearsal is another kind of run");
    stage.run().expect(65);
    fs::remove_dir_all(stage.run_dir()).unwrap();
    stage.run().expect(0);
    let line = folder(0);
    assert!(line.contains("holds a run that is complete") || is_about_memory(&line), "{line}");
}

/// A mail server for one visitor, that says yes to everything.
struct MailServer {
    port: u16,
    thread: JoinHandle<Vec<String>>,
}

impl MailServer {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        Self { port, thread: std::thread::spawn(move || Self::converse(&listener.accept().unwrap().0)) }
    }

    fn converse(mut stream: &TcpStream) -> Vec<String> {
        stream.write_all(b"220 mail.example.com\r\n").unwrap();
        let mut said = Vec::new();
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            stream.write_all(b"250 mail.example.com\r\n").unwrap();
            said.push(line);
        }
        said
    }
}

#[test]
fn nobody_is_told_and_whoever_would_tell_is_knocked_at() {
    let stage = stage(Options::default());
    let settings = stage.home.path().join("settings.toml");
    let hook = Listener::new(Speaks::Plain, "");
    let mail = MailServer::new();
    let webhook = |address: &str| format!("[notices.webhook]\nurl = 'http://{address}/told'\n");
    let smtp = |port: &str| {
        format!(
            "from = 'a@example.com'\n[notices.smtp]\nhost = '127.0.0.1'\nport = {port}\nsecurity = 'none'\n"
        )
    };
    for (way, says) in [
        (webhook(hook.address()), "ok: by a webhook, which answers; none was sent"),
        (webhook("127.0.0.1:9"), "warning: by a webhook: no connection to the webhook"),
        (smtp("9"), "warning: by mail: the mail server refuses the connection"),
        (smtp(&mail.port.to_string()), "ok: by mail, which answers; none was sent"),
    ] {
        let text = format!("[notices]\norganisation = 'Example'\ncontact = 'help@example.com'\n{way}");
        fs::write(&settings, text).unwrap();
        let done = stage.finish(program(&stage).arg("--json").arg("--config").arg(&settings)).expect(0);
        let line = found(&answer(&done), "notices").remove(0);
        assert!(line.starts_with(says), "{line}");
    }
    assert!(hook.heard().iter().all(String::is_empty), "nothing is said to it");
    let said = mail.thread.join().unwrap();
    assert!(said[0].starts_with("EHLO ") && said[1] == "QUIT" && said.len() == 2, "{said:?}");
}

#[test]
fn a_proxy_in_between_is_named_without_its_password() {
    const NOBODY: &str = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let stage = stage(Options::default());
    let (password, proxy) = (Canary::password(), Listener::new(Speaks::Intercepts("login.pem"), NOBODY));
    stage.keep_secret(&password);
    let escaped = percent_encoding::utf8_percent_encode(&password.0, percent_encoding::NON_ALPHANUMERIC);
    let program = program(&stage)
        .env("HTTPS_PROXY", format!("http://me:{escaped}@{}", proxy.address()))
        .env("GENESYS_TOKEN_URL", "https://login.region.example/oauth/token")
        .args([OsStr::new("--ca-file"), certificate("root.pem").as_os_str(), OsStr::new("--json")]);
    let told = answer(&stage.finish(program).expect(77));
    let words = format!(
        "ok: login.region.example answers: through the proxy {}, certificate trusted",
        proxy.address()
    );
    assert_eq!(found(&told, "token-endpoint"), [words]);
    assert!(found(&told, "token")[0].starts_with("failed: the token endpoint refuses (401"), "{told}");
}

#[test]
fn somebody_who_is_missing_or_disabled_is_told_of() {
    for (name, says) in [
        ("missing@example.com", "warning: the user on line 2: "),
        ("inactive@example.com", "ok: the user on line 2 is found, disabled, and would be skipped"),
    ] {
        let stage = Stage::new(vec![Person::new(name)], Options::default());
        let told = answer(&stage.finish(program(&stage).arg("--json")).expect(0));
        let line = found(&told, "first-row").remove(0);
        assert!(line.starts_with(says) && !line.contains(name), "{line}");
    }
}
