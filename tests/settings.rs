//! `config init` and `config show`, and the secrets that systemd hands over.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Canary, Finished, Program, Stage};

/// What has to be said each time, and so is no setting of a file.
const TYPED: [&str; 13] = [
    "again",
    "config",
    "consent-to-passwords-in-mail",
    "dry-run",
    "help",
    "json",
    "new-caller",
    "output",
    "profile",
    "sandbox",
    "version",
    "watch",
    "yes",
];

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// A file that `config init` has written.
fn written(home: &Path) -> PathBuf {
    let done = Program::new(["config", "init"]).in_folder(home).run().expect(0);
    assert_eq!(done.stdout, "scim-rekey.toml\n");
    home.join("scim-rekey.toml")
}

/// The settings shown, by name: value and source.
fn settings(done: &Finished) -> BTreeMap<String, (Value, String)> {
    let shown: Value = serde_json::from_str(&done.stdout).unwrap();
    let settings = shown["settings"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    settings.map(|it| (text(&it["name"]), (it["value"].clone(), text(&it["source"])))).collect()
}

#[test]
fn init_writes_a_private_file_once() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("own.toml");
    for prelude in ["umask 000", "umask 777"] {
        let _ = fs::remove_file(&file);
        let init = || Program::below_shell(prelude, ["config", "init", file.to_str().unwrap()]);
        init().run().expect(0);
        assert_eq!(mode(&file), 0o600, "{prelude}");
        fs::write(&file, "rate = '1/s'").unwrap();
        let done = init().run().expect(73);
        assert!(done.last_line().contains("own.toml"), "{}", done.stderr);
        assert_eq!(fs::read_to_string(&file).unwrap(), "rate = '1/s'");
    }
    std::os::unix::fs::symlink(home.path().join("elsewhere"), home.path().join("link")).unwrap();
    Program::new(["config", "init", "link"]).in_folder(home.path()).run().expect(73);
    assert!(!home.path().join("elsewhere").exists());
}

#[test]
fn init_names_every_setting_there_is() {
    let home = tempfile::tempdir().unwrap();
    let text = fs::read_to_string(written(home.path())).unwrap();
    let main = Program::new(["--help"]).run().expect(0).stdout;
    let commands = main.split_once("Commands:\n").unwrap().1.split_once("\n\n").unwrap().0;
    let commands = commands.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let commands: Vec<_> = commands.filter(|name| !name.is_empty() && *name != "help").collect();
    let mut known = 0;
    for command in &commands {
        let help = Program::new([command, "--help"]).run().expect(0).stdout;
        // `  -v, --verbose...` and `      --rate <RATE>`
        let lines = help.lines().map(str::trim_start).filter(|line| line.starts_with('-'));
        let flags = lines.filter_map(|line| line.split_once("--")?.1.split([' ', '.']).next());
        for name in flags.filter(|name| !TYPED.contains(name)) {
            assert!(text.contains(&format!("\n#{} = ", name.replace('-', "_"))), "{command} --{name}");
            known += 1;
        }
    }
    assert!(commands.len() > 8 && known > 60, "{commands:?} {known}");
    assert!(TYPED.iter().all(|name| !text.contains(&format!("\n#{} = ", name.replace('-', "_")))));
}

#[test]
fn what_init_writes_is_taken_and_says_the_defaults() {
    let home = tempfile::tempdir().unwrap();
    let file = written(home.path());
    let show = |command: &str| {
        let shown = Program::new(["config", "show", "--json", command]).arg("--config").arg(&file).run();
        settings(&shown.expect(0))
    };
    let plain = show("run");
    assert!(
        plain.values().all(|(_, source)| ["default", "unset", "derived"].contains(&source.as_str())),
        "{plain:?}"
    );
    // With each default made to count, nothing changes but where it comes from.
    let text = fs::read_to_string(&file).unwrap();
    let is_default = |line: &&str| {
        let found = line.strip_prefix('#').and_then(|line| line.split_once(" = "));
        found.is_some_and(|(name, _)| plain.get(name).is_some_and(|(_, source)| source == "default"))
    };
    let (settings, _) = text.split_once("#[profile.night]").unwrap();
    let lines = settings.lines().map(|line| if is_default(&line) { &line[1..] } else { line });
    fs::write(&file, lines.collect::<Vec<_>>().join("\n")).unwrap();
    let counted = show("run");
    let mut from_file = 0;
    for (name, (value, source)) in &plain {
        assert_eq!(&counted[name].0, value, "{name}");
        from_file += usize::from(source == "default" && counted[name].1 == "file");
    }
    assert!(from_file > 12, "{counted:?}");
    // Its tables are those of the sample, which others have tried.
    let tables = text.split_once("#[profile.night]").unwrap().1.replace("\n#", "\n");
    let sample =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/config.toml")).unwrap();
    let sample = sample.split_once("[profile.night]").unwrap().1.replace("\n#", "\n");
    assert_eq!(tables, sample);
}

#[test]
fn each_setting_says_where_it_came_from() {
    let stage = Stage::plain(1);
    let file = stage.home.path().join("own.toml");
    let text = "rate = '7/s'\nmfa_type = 'mobile'\nwords = 5\nregion = 'eu-central-1'\n[profile.night]\nmax-attempts = 2\n\
                rate = '9/s'\n[notices]\norganisation = 'Example'\ncontact = 'us'\n\
                [notices.webhook]\nurl = 'https://hooks.example.com/T0/secret-path'\n";
    fs::write(&file, text).unwrap();
    let show = |args: &[&str]| {
        let program = Program::new(["config", "show"]).args(args).arg("--config").arg(&file);
        let program =
            program.args(["--profile", "night"]).env("GENESYSCLOUD_OAUTHCLIENT_ID", "of-the-environment");
        stage.finish(program.env("GENESYS_CLIENT_SECRET", stage.sandbox.0.client_secret())).expect(0)
    };
    let json =
        settings(&show(&["--json", "run", "users.csv", "--mfa-type", "phone", "--generate-passwords"]));
    let expected = [
        ("input", "users.csv".into(), "flag"),
        ("mfa_type", "phone".into(), "flag"),
        ("generate_passwords", true.into(), "flag"),
        ("client_id", "of-the-environment".into(), "environment"),
        ("client_secret", Value::Null, "environment"),
        ("rate", "9/s".into(), "profile"),
        ("max_attempts", 2.into(), "profile"),
        ("words", 5.into(), "file"),
        ("region", "eu-central-1".into(), "file"),
        ("concurrency", 16.into(), "default"),
        ("deadline", Value::Null, "unset"),
        ("scim_url", "https://api.mypurecloud.de/api/v2/scim/v2".into(), "derived"),
        ("token_url", "https://login.mypurecloud.de/oauth/token".into(), "derived"),
        ("notices.organisation", "Example".into(), "file"),
        ("notices.webhook.url", Value::Null, "file"),
    ];
    for (name, value, source) in expected {
        assert_eq!(json[name], (value, source.to_owned()), "{name}");
    }
    let text = show(&[]).stdout;
    assert!(text.starts_with("# scim-rekey run\n# input is not set\n"), "{text}");
    let has =
        |start: &str, end: &str| text.lines().any(|line| line.starts_with(start) && line.ends_with(end));
    assert!(has("rate = \"9/s\" ", " # profile night"), "{text}");
    assert!(has("mfa_type = \"mobile\" ", &format!(" # file {}", file.display())), "{text}");
    assert!(has("# client_secret is set ", " # environment GENESYS_CLIENT_SECRET"), "{text}");
    assert!(!text.contains("secret-path"), "{text}");
    // What it says can be read back.
    let values = text.lines().filter(|line| line.starts_with("max_") || line.starts_with("lookup"));
    fs::write(stage.home.path().join("copy.toml"), values.collect::<Vec<_>>().join("\n")).unwrap();
    let copy = Program::new(["config", "show", "--config", "copy.toml"]).in_folder(stage.home.path());
    assert!(stage.finish(copy).expect(0).stdout.contains("max_attempts = 2 "));
}

#[test]
fn show_refuses_what_a_run_refuses() {
    let stage = Stage::plain(1);
    let file = stage.home.path().join("own.toml");
    let refused = |text: &str, args: &[&str], words: &str| {
        fs::write(&file, text).unwrap();
        let run = stage.finish(Program::new(["run", "x.csv"]).args(args).arg("--config").arg(&file));
        let show = Program::new(["config", "show", "run", "x.csv"]).args(args).arg("--config").arg(&file);
        let show = stage.finish(show).expect(78);
        assert!(show.last_line().contains(words), "{text}: {}", show.stderr);
        // What needs no file but the configuration is said in the same words.
        if run.code() == 78 {
            assert_eq!(show.last_line(), run.last_line());
        }
    };
    refused("max_atempts = 3", &[], "did you mean max_attempts?");
    refused("concurrency = 0", &[], "concurrency");
    refused("[[attributes]]\ncolumn = 'x'", &[], "path");
    refused("[notices]\norganisation = 'x'", &[], "[notices]");
    refused("scim_url = 'http://scim.example.com'", &[], "plain http");
    refused("scim_url = 'https://a.example.com'", &["--region", "eu-west-1"], "region");
    refused("region = 'nowhere'", &[], "nowhere");
    refused("json = true", &[], "each time");
    Program::new(["config", "show", "run", "--no-such-flag"]).run().expect(2);
    Program::new(["config", "show", "nothing"]).run().expect(2);
}

#[test]
fn a_rehearsal_is_shown_without_a_place() {
    let done =
        Program::new(["config", "show", "--json", "run", "--sandbox"]).env("GENESYS_REGION", "nowhere");
    let shown = settings(&done.run().expect(0));
    assert_eq!(shown["scim_url"], (Value::Null, "derived".to_owned()));
}

/// What systemd makes of `LoadCredential=`, for a service that runs as the folder's owner.
fn credentials(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let file = folder.path().join(name);
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o400)).unwrap();
    }
    folder
}

#[test]
fn a_credential_counts_where_nothing_else_is_said() {
    let stage = Stage::plain(1);
    let (id, secret) = (stage.sandbox.0.client_id().to_owned(), stage.sandbox.0.client_secret().to_owned());
    let folder = credentials(&[("client-id", &format!("{id}\n")), ("client-secret", &format!("{secret}\n"))]);
    let bare = |program: Program| {
        let program = program.without_env("GENESYS_CLIENT_ID").without_env("GENESYS_CLIENT_SECRET");
        program.env("CREDENTIALS_DIRECTORY", folder.path())
    };
    let shown =
        settings(&stage.finish(bare(stage.with_env(Program::new(["config", "show", "--json"])))).expect(0));
    for name in ["client_id", "client_secret"] {
        assert_eq!(shown[name], (Value::Null, "credential".to_owned()), "{name}");
    }
    stage.finish(bare(stage.program())).expect(0);
    assert_eq!(stage.truth().applied.len(), 1);

    // The environment counts first, and the configuration too.
    let wrong = Canary::client_secret();
    let again = |program: Program| bare(program).args(["--again", "--max-attempts", "1"]);
    stage.finish(again(stage.program()).env("GENESYS_CLIENT_SECRET", &wrong.0)).expect(77);
    let file = stage.home.path().join("own.toml");
    fs::write(&file, "client_id = 'nobody'").unwrap();
    stage.finish(again(stage.program()).arg("--config").arg(&file)).expect(77);
    assert_eq!(stage.truth().applied.len(), 1);
}

#[test]
fn a_credential_that_others_can_read_is_refused() {
    let stage = Stage::plain(1);
    let secret = stage.sandbox.0.client_secret().to_owned();
    let folder = credentials(&[("client-secret", &secret)]);
    let run = |folder: &TempDir| {
        let program = stage.program().without_env("GENESYS_CLIENT_SECRET");
        stage.finish(program.env("CREDENTIALS_DIRECTORY", folder.path()))
    };
    for open in [0o404, 0o440, 0o644] {
        fs::set_permissions(folder.path().join("client-secret"), fs::Permissions::from_mode(open)).unwrap();
        let done = run(&folder).expect(78);
        assert!(done.last_line().contains("can be read by others"), "{}", done.stderr);
    }
    assert!(run(&credentials(&[("client-secret", "\n")])).expect(78).last_line().contains("empty"));
    assert!(run(&credentials(&[])).expect(78).last_line().contains("no client secret"));
    assert_eq!(stage.truth().requests.len(), 0);
}

#[test]
fn notices_take_their_secrets_from_credentials_too() {
    let stage = Stage::plain(1);
    let password = Canary::client_secret();
    stage.keep_secret(&password);
    let folder = credentials(&[("smtp-password", &password.0), ("webhook-authorization", "Bearer \u{7}")]);
    let common = "[notices]\norganisation = 'x'\ncontact = 'y'\n";
    let check = |folder: &TempDir, text: &str, code| {
        let file = stage.home.path().join("own.toml");
        fs::write(&file, format!("{common}{text}")).unwrap();
        let program = Program::new(["config", "show", "run"]).arg("--config").arg(&file);
        stage.finish(program.env("CREDENTIALS_DIRECTORY", folder.path())).expect(code)
    };
    let smtp = "from = 'it@example.com'\n[notices.smtp]\nhost = 'mail.example.com'\nusername = 'it'";
    assert!(check(&folder, smtp, 0).stdout.contains("# notices.smtp.password is set"));
    let webhook = "[notices.webhook]\nurl = 'https://hooks.example.com/x'";
    // It is read, or its control character could not be found.
    assert!(check(&folder, webhook, 78).last_line().contains("control character"));
    let none = credentials(&[]);
    assert!(check(&none, smtp, 78).last_line().contains("password_file"));
    check(&none, webhook, 0);
}
