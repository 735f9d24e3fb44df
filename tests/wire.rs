//! Secrets go to whom they were meant for: nobody sends them elsewhere, reads them on the way, or
//! pretends to be the service.

use scim_rekey::sandbox::{Fault, On, Options, Redirect};

use crate::support::{Finished, Listener, Person, Program, Speaks, Stage, Stranger, certificate};

/// Whoever breaks a promise and waits for a stranger is not to wait for long.
const IMPATIENT: [&str; 6] = ["--max-attempts", "1", "--max-outage", "1s", "--request-timeout", "5s"];

#[test]
fn redirects_are_never_followed() {
    let stranger = Stranger::new();
    for status in [301, 302, 303, 307, 308] {
        for on in [On::Token, On::Config, On::Lookup, On::Patch] {
            let redirect = Redirect { to: format!("{}/api/v2/scim/v2/Users/1", stranger.url()), status };
            let faults = vec![Fault::new(on, scim_rekey::sandbox::Action::Redirect(redirect)).forever()];
            let stage = Stage::new(Person::many(3), Options { faults, ..Options::default() });
            let finished =
                stage.finish(stage.program().args(["--concurrency", "1"]).args(IMPATIENT)).expect(78);
            assert!(finished.last_line().contains("redirect"), "{}", finished.stderr);
            assert_eq!(stranger.visitors(), 0, "{on:?} {status}");
            assert!(stage.truth().applied.is_empty() && stage.truth().patch_requests <= 1);
            stage.check_truth();
            assert_eq!(stage.outcome(4), "pending/interrupted", "{on:?} {status}");
        }
    }
}

#[test]
fn a_redirect_of_one_row_ends_the_run_before_the_next() {
    let stranger = Stranger::new();
    let redirect = Redirect { to: stranger.url(), status: 307 };
    let fault = Fault::new(On::Patch, scim_rekey::sandbox::Action::Redirect(redirect)).skip(2);
    let stage = Stage::new(Person::many(9), Options { faults: vec![fault], ..Options::default() });
    stage.finish(stage.program().args(["--concurrency", "1"]).args(IMPATIENT)).expect(78);
    stage.check_truth();
    let ends = [2, 3, 4, 5].map(|line| stage.outcome(line));
    assert_eq!(ends, ["updated", "updated", "failed/bad_reply", "pending/interrupted"]);
    assert_eq!((stage.truth().applied.len(), stranger.visitors()), (2, 0));
}

#[test]
fn plain_http_leaves_this_machine_never() {
    let stage = Stage::plain(1);
    for url in [
        "http://scim.example.com/v2",
        "http://10.0.0.1/v2",
        "http://0.0.0.0:1/v2",
        "http://127.0.0.1.example.com/v2",
        "http://localhost.example.com/v2",
        "http://[2001:db8::1]/v2",
        "http://169.254.169.254/v2",
    ] {
        for name in ["GENESYS_SCIM_URL", "GENESYS_TOKEN_URL"] {
            let finished = stage.finish(stage.program().args(IMPATIENT).env(name, url)).expect(78);
            assert!(finished.last_line().contains("plain http"), "{}", finished.stderr);
        }
        for flag in ["--scim-url", "--token-url"] {
            stage.finish(stage.program().args(IMPATIENT).args([flag, url])).expect(78);
        }
    }
    assert!(stage.truth().requests.is_empty() && !stage.run_dir().exists());
}

#[test]
fn an_address_that_carries_more_than_an_address_is_refused() {
    let stage = Stage::plain(1);
    for url in [
        "https://me:word@scim.example.com",
        "https://scim.example.com/?x=1",
        "https://scim.example.com/#x",
        "ftp://127.0.0.1/v2",
        "scim.example.com",
    ] {
        for flag in ["--scim-url", "--token-url"] {
            let finished = stage.finish(stage.program().args(IMPATIENT).args([flag, url])).expect(78);
            let said = finished.stderr.lines().next().unwrap_or_default();
            assert!(!said.contains("me:word"), "{said}");
        }
    }
    assert!(stage.truth().requests.is_empty());
}

/// The token endpoint's refusal, which shows that the connection was trusted.
const REFUSAL: &str = "HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nContent-Length: 26\r\n\
    Connection: close\r\n\r\n{\"error\":\"invalid_client\"}";

/// A run whose token endpoint is at this address, over TLS.
fn over_tls(stage: &Stage, listener: &Listener, args: &[&str]) -> Finished {
    let url = format!("https://{}/oauth/token", listener.address());
    stage.finish(stage.program().env("GENESYS_TOKEN_URL", url).args(IMPATIENT).args(args))
}

#[test]
fn a_server_that_cannot_show_who_it_is_gets_nothing() {
    let root = certificate("root.pem");
    let root = ["--ca-file", root.to_str().unwrap()];
    let garbage = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    // A ServerHello of TLS 1.0.
    let tls_1_0 = "\u{16}\u{3}\u{1}\0*\u{2}\0\0&\u{3}\u{1}0123456789abcdef0123456789abcdef\0\0/\0";
    for (speaks, answer, args, why) in [
        (Speaks::Plain, garbage, &[][..], "corrupt message"),
        (Speaks::Plain, "\u{15}\u{3}\u{1}\0\u{2}\u{2}\u{28}", &[], "HandshakeFailure"),
        (Speaks::Plain, tls_1_0, &[], "Tls12"),
        (Speaks::Tls("loopback.pem"), REFUSAL, &[], "UnknownIssuer; if its root certificate is your own or"),
        (Speaks::Tls("elsewhere.pem"), REFUSAL, &root, "elsewhere.example"),
        (Speaks::Tls("expired.pem"), REFUSAL, &root, "expired"),
        (Speaks::Tls("future.pem"), REFUSAL, &root, "not valid yet"),
        (Speaks::Tls("client.pem"), REFUSAL, &root, "server auth"),
    ] {
        let listener = Listener::new(speaks, answer);
        let stage = Stage::plain(2);
        let finished = over_tls(&stage, &listener, args).expect(78);
        assert!(finished.last_line().contains("TLS"), "{}", finished.stderr);
        assert!(finished.last_line().contains(why), "{why}: {}", finished.stderr);
        assert_eq!(stage.outcome(3), "pending/interrupted");
        assert!(stage.truth().requests.is_empty());
        assert!(listener.heard().iter().all(|said| !said.contains("POST")), "{:?}", listener.heard());
    }
}

#[test]
fn a_service_that_cannot_show_who_it_is_gets_no_token() {
    let listener = Listener::new(Speaks::Tls("loopback.pem"), REFUSAL);
    let stage = Stage::plain(2);
    let url = format!("https://{}/scim/v2", listener.address());
    let finished = stage.finish(stage.program().env("GENESYS_SCIM_URL", url).args(IMPATIENT)).expect(78);
    assert!(finished.last_line().contains("TLS"), "{}", finished.stderr);
    assert_eq!(stage.truth().requests.len(), 1, "the token, and no more");
    assert!(listener.heard().iter().all(String::is_empty), "{:?}", listener.heard());
}

#[test]
fn a_root_of_ones_own_is_trusted_when_it_is_named() {
    let (root, key) = (certificate("root.pem"), certificate("key.pem"));
    let listener = Listener::new(Speaks::Tls("loopback.pem"), REFUSAL);
    let stage = Stage::plain(1);
    over_tls(&stage, &listener, &["--ca-file", root.to_str().unwrap()]).expect(77);
    let heard = || listener.heard().into_iter().filter(|said| !said.is_empty()).collect::<Vec<_>>();
    assert!(heard()[0].starts_with("POST /oauth/token HTTP/1.1\r\n"));
    for no_root in [key.as_path(), &stage.input(), &stage.home.path().join("missing.pem")] {
        over_tls(&stage, &listener, &["--ca-file", no_root.to_str().unwrap(), "--again"]).expect(78);
    }
    assert_eq!(heard().len(), 1);
}

const PROXIES: [&str; 6] =
    ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"];

fn with_proxy(program: Program, url: &str) -> Program {
    PROXIES.iter().fold(program, |program, name| program.env(name, url))
}

#[test]
fn a_service_on_this_machine_is_not_reached_through_a_proxy() {
    let stranger = Stranger::new();
    let stage = Stage::plain(3);
    stage.finish(with_proxy(stage.program().args(IMPATIENT), &stranger.url())).expect(0);
    stage.check_truth();
    assert_eq!(stranger.visitors(), 0);
}

#[test]
fn a_service_elsewhere_is_reached_through_the_proxy_and_it_learns_nothing() {
    let proxy = Listener::new(Speaks::Plain, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    let stage = Stage::plain(1);
    let program = stage.program().args(["--region", "region.example", "--max-attempts", "1"]);
    let program = program.without_env("GENESYS_SCIM_URL").without_env("GENESYS_TOKEN_URL");
    stage.finish(alone(&stage, with_proxy(program, &format!("http://{}", proxy.address())))).expect(69);
    let [said] = proxy.heard().try_into().unwrap();
    assert!(said.starts_with("CONNECT login.region.example:443 HTTP/1.1\r\n"), "{said}");
    assert!(!said.to_lowercase().contains("\r\nauthorization:"), "{said}");
    assert!(stage.truth().requests.is_empty());
}

/// The region is the same in every test, and one client of it is served at a time.
fn alone(stage: &Stage, program: Program) -> Program {
    program.env("GENESYS_CLIENT_ID", stage.sandbox.0.base_url())
}

#[test]
fn a_proxy_that_looks_into_the_connection_gets_nothing() {
    let root = certificate("root.pem");
    for (speaks, args) in [
        (Speaks::Intercepts("login.pem"), &[][..]),
        (Speaks::Intercepts("elsewhere.pem"), &["--ca-file", root.to_str().unwrap()]),
    ] {
        let proxy = Listener::new(speaks, REFUSAL);
        let stage = Stage::plain(1);
        let program = stage.program().args(["--region", "region.example"]).args(IMPATIENT).args(args);
        let program = program.without_env("GENESYS_SCIM_URL").without_env("GENESYS_TOKEN_URL");
        let program = alone(&stage, with_proxy(program, &format!("http://{}", proxy.address())));
        let finished = stage.finish(program).expect(78);
        assert!(finished.last_line().contains("TLS"), "{}", finished.stderr);
        assert!(proxy.heard().iter().all(String::is_empty), "{:?}", proxy.heard());
    }
    // The same proxy with a name that fits and a root that is trusted: the way the test goes is sound.
    let proxy = Listener::new(Speaks::Intercepts("login.pem"), REFUSAL);
    let stage = Stage::plain(1);
    let program = stage.program().args(["--region", "region.example", "--ca-file", root.to_str().unwrap()]);
    let program = program.without_env("GENESYS_SCIM_URL").without_env("GENESYS_TOKEN_URL");
    stage.finish(alone(&stage, with_proxy(program, &format!("http://{}", proxy.address())))).expect(77);
    assert!(proxy.heard()[0].starts_with("POST /oauth/token "), "{:?}", proxy.heard());
}

#[test]
fn an_attribute_that_decides_who_somebody_is_cannot_be_set() {
    let stage = Stage::plain(1);
    for path in ["", "password", "userName", "urn:x:User:active", "roles", "a b"] {
        stage.finish(stage.program().args(["--mfa-path", path])).expect(2);
    }
    assert!(stage.truth().requests.is_empty());
}

#[test]
fn a_region_and_an_address_left_over_in_the_environment_are_one_too_many() {
    let stage = Stage::plain(1);
    let done = stage.finish(stage.program().args(["--region", "eu-central-1"])).expect(78);
    assert!(done.last_line().contains("unset GENESYS_SCIM_URL"), "{}", done.stderr);
    assert!(stage.truth().requests.is_empty());
}
