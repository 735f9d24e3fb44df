//! What goes wrong is told in our own words: no address, no proxy, no reply and no mistake of the
//! operator's is quoted if a secret may be in it.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt as _;

use crate::support::{Canary, Listener, Program, Speaks, Stage, certificate};

const PROXIES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

#[test]
fn a_proxy_s_password_is_told_to_the_proxy_alone() {
    let refusal = "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n";
    let proxy = Listener::new(Speaks::Plain, refusal);
    let word = Canary(format!("Wort{:016x}", rand::random::<u64>()));
    let address = proxy.address();
    let urls = [
        format!("http://proxy:{}@{address}", word.0),
        format!("http://proxy:{}@127.0.0.1:1", word.0),
        format!("socks5h://proxy:{}@127.0.0.1:1", word.0),
        format!("http://proxy:{}@[nowhere", word.0),
        format!("gopher://{}@{address}", word.0),
    ];
    for url in urls {
        let stage = Stage::plain(1);
        stage.keep_secret(&word);
        let program = stage.program().args(["-vv", "--region", "region.invalid", "--max-attempts", "1"]);
        let program = program.without_env("GENESYS_SCIM_URL").without_env("GENESYS_TOKEN_URL");
        let program = PROXIES.iter().fold(program, |program, name| program.env(name, &url));
        // The region is everybody's; nobody else has this client.
        let program = program.env("GENESYS_CLIENT_ID", stage.sandbox.0.base_url());
        let finished = stage.finish(program);
        assert!([69, 78].contains(&finished.code()), "{} {}", finished.code(), finished.stderr);
        assert!(stage.truth().requests.is_empty());
    }
    let heard = proxy.heard();
    assert!(
        heard.iter().any(|said| said.to_lowercase().contains("proxy-authorization: basic ")),
        "{heard:?}"
    );
    assert!(heard.iter().all(|said| !said.to_lowercase().contains("\r\nauthorization:")), "{heard:?}");
}

#[test]
fn an_address_that_carries_a_secret_is_refused_and_not_repeated() {
    let word = Canary(format!("Wort{:016x}", rand::random::<u64>()));
    let stage = Stage::plain(1);
    stage.keep_secret(&word);
    let word = &word.0;
    for url in [
        format!("https://me:{word}@scim.example.com/v2"),
        format!("https://{word}@scim.example.com/v2"),
        format!("https://scim.example.com/v2?key={word}"),
        format!("https://scim.example.com/v2#{word}"),
        format!("https://me:{word}@scim.example.com:99999/"),
        format!("https://me:{word}@/"),
        format!("https://me:{word}@[::1/"),
        format!("http://me:{word}@127.0.0.1/"),
        format!("//{word}"),
    ] {
        for name in ["SCIM", "TOKEN"] {
            let flag = format!("--{}-url", name.to_lowercase());
            stage.finish(stage.program().args(["-vv", &flag, &url])).expect(78);
            stage.finish(stage.program().arg("-vv").env(&format!("GENESYS_{name}_URL"), &url)).expect(78);
        }
    }
    assert!(stage.truth().requests.is_empty() && !stage.run_dir().exists());
}

#[test]
fn a_secret_in_the_wrong_place_is_not_repeated() {
    let secret = Canary(format!("Geheim{:016x}", rand::random::<u64>()));
    let stage = Stage::plain(1);
    stage.keep_secret(&secret);
    let secret = &secret.0;
    for place in [secret.clone(), format!("/nowhere/{secret}"), secret.repeat(30)] {
        let finished = stage.finish(stage.program().args(["-vv", "--client-secret-file", &place])).expect(78);
        assert!(finished.last_line().contains("a path, not the secret"), "{}", finished.stderr);
    }
    for flag in ["--client-secret", "--password", "--token", "--secret", "-p"] {
        stage.finish(stage.program().args([flag, secret])).expect(2);
        stage.finish(stage.program().arg(format!("{flag}={secret}"))).expect(2);
    }
    let broken = OsString::from_vec([secret.as_bytes(), b"\xff"].concat());
    stage.finish(stage.program().env("GENESYS_CLIENT_SECRET", &broken)).expect(78);
    let file = stage.home.path().join("secret");
    fs::write(&file, [secret.as_bytes(), b"\xff"].concat()).unwrap();
    fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    stage.finish(stage.program().arg("--client-secret-file").arg(&file)).expect(78);
    assert!(stage.truth().requests.is_empty());
}

#[test]
fn a_token_reply_is_never_quoted() {
    let token = Canary(format!("Marke{:016x}", rand::random::<u64>()));
    let text = &token.0;
    let whole = format!(r#"{{"access_token":"{text}","expires_in":3600}}"#);
    for (status, body, code) in [
        (200, format!(r#"{{"access_token":{{"value":"{text}"}},"expires_in":1}}"#), 78),
        (200, format!(r#"{{"access_token":["{text}"]}}"#), 78),
        (200, format!(r#"{{"access_token":"{text}\r\nX: y"}}"#), 78),
        (200, format!(r#"{{"access_token":"{text}\u0000"}}"#), 78),
        (200, format!(r#"{{"access_token":"{text}","access_token":"{text}"}}"#), 78),
        (200, format!(r#"{{"{text}":"{text}"}}"#), 78),
        (200, format!(r#""{text}""#), 78),
        (200, whole[..whole.len() - 1].to_owned(), 78),
        (200, format!(r#"{{"access_token":"{text}","expires_in":"{text}"}}"#), 77),
        (201, whole.clone(), 77),
        (400, format!(r#"{{"error":"{text}x","error_description":"{text}"}}"#), 77),
        (302, whole, 78),
    ] {
        let stage = Stage::plain(1);
        let secret = Canary(text.clone());
        stage.keep_secret(&secret);
        let answer = format!(
            "HTTP/1.1 {status} {text}\r\nLocation: https://{text}.example.com/\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{body}",
            body.len()
        );
        let endpoint = Listener::answering(Speaks::Plain, move |_| answer.clone().into_bytes());
        let program = stage.program().arg("-vv").env("GENESYS_CLIENT_SECRET", text);
        let program = program.env("GENESYS_TOKEN_URL", format!("http://{}/token", endpoint.address()));
        stage.finish(program).expect(code);
        assert_eq!(stage.truth().patch_requests, 0);
    }
}

#[test]
fn an_unreachable_service_is_told_without_the_address_that_was_looked_up() {
    let stage = Stage::plain(2);
    let program = stage.program().args(["-vv", "--max-attempts", "2", "--max-outage", "1s"]);
    let nowhere = format!("http://127.0.0.1:1/{:x}", rand::random::<u64>());
    let finished = stage.finish(program.env("GENESYS_SCIM_URL", nowhere)).expect(69);
    assert!(finished.stderr.contains("the connection is refused"), "{}", finished.stderr);
    for word in ["user0", "example.com", "filter"] {
        assert!(!finished.stderr.contains(word), "{word}: {}", finished.stderr);
    }
}

#[test]
fn no_key_of_a_connection_is_written_down() {
    let listener = Listener::new(Speaks::Tls("loopback.pem"), "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n");
    let stage = Stage::plain(1);
    let keys = stage.home.path().join("keys");
    let url = format!("https://{}/oauth/token", listener.address());
    let program = stage.program().env("GENESYS_TOKEN_URL", url).env("SSLKEYLOGFILE", &keys);
    stage.finish(program.arg("--ca-file").arg(certificate("root.pem"))).expect(77);
    assert!(listener.heard().iter().any(|said| said.starts_with("POST ")), "the connection was made");
    assert!(!keys.exists());
}

#[test]
fn a_pipe_for_the_output_that_closes_stops_the_printing_only() {
    for tail in ["| head -1", "| head -c 1", "| true", ">/dev/full"] {
        let stage = Stage::plain(4);
        let command = format!("{{ \"$0\" \"$@\" 2>&1; echo $? >\"$CODE\"; }} {tail}; exit 9; :");
        let code = stage.home.path().join("code");
        let program = Program::below_shell(&command, stage.run_args());
        stage.finish(stage.with_env(program).env("CODE", &code).arg("-vv")).expect(9);
        assert_eq!(fs::read_to_string(&code).unwrap(), "0\n", "{tail}");
        stage.check_truth();
        assert_eq!(stage.summary()["outcomes"]["updated"], 4);
    }
}
