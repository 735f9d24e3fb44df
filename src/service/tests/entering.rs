//! Who is let in.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use super::super::caller::sha256;
use super::*;
use crate::domain::text::hex;

#[tokio::test]
async fn without_credentials_every_route_but_three_is_shut() {
    let house = House::new().await;
    let routes = [
        ("POST", "/v1/resets"),
        ("GET", "/v1/resets/desk-1"),
        ("POST", "/api/users/u-1/update"),
        ("GET", "/metrics"),
        ("GET", "/nowhere"),
        ("GET", "/v1/resets"),
        ("DELETE", "/"),
        ("OPTIONS", "/v1/resets"),
    ];
    for (method, path) in routes {
        let body = wish("ann@example.com");
        let request = post(path, "", "k1", &body).replacen("POST", method, 1);
        let reply = house.say(&request).await;
        assert_eq!(reply.refusal(), (401, "unauthorized".into()), "{method} {path}");
        assert!(reply.header("www-authenticate").is_some_and(|value| value.starts_with("Bearer")));
    }
    for open in ["/healthz", "/readyz", "/openapi.json"] {
        assert_eq!(house.get(open, "").await.status, 200, "{open}");
    }
    assert_eq!(house.asked(), 0);
}

#[tokio::test]
async fn a_wrong_key_is_no_key_and_ten_of_them_are_enough() {
    let house = House::new().await;
    let (unknown, _) = new_key().unwrap();
    let cut = &house.key[..house.key.len() - 1];
    let wrong = ["x", "srk_", cut, unknown.expose(), &format!("{}A", house.key), &house.key.to_uppercase()];
    for key in wrong {
        assert_eq!(house.get("/metrics", key).await.refusal(), (401, "unauthorized".into()), "{key}");
    }
    let twice = format!("GET /metrics HTTP/1.1\r\n{0}{0}\r\n", credentials(&house.key));
    assert_eq!(house.say(&twice).await.status, 401);
    let basic =
        format!("GET /metrics HTTP/1.1\r\n{}\r\n", credentials(&house.key).replace("Bearer", "Basic"));
    assert_eq!(house.say(&basic).await.status, 401);
    for _ in wrong.len() + 2..10 {
        assert_eq!(house.get("/metrics", "x").await.status, 401);
    }
    let enough = house.get("/metrics", "x").await;
    assert_eq!(enough.refusal(), (429, "limit_reached".into()));
    assert!(enough.header("retry-after").unwrap().parse::<u64>().unwrap() > 290);
    // Behind a proxy all callers come from one address: whoever has a key is not kept out by the others.
    assert_eq!(house.get("/metrics", &house.key).await.status, 200);
}

#[tokio::test]
async fn each_of_two_keys_is_good_until_the_caller_expires() {
    let (one, two) = (new_key().unwrap(), new_key().unwrap());
    let house = |expires: &str| {
        let caller = format!(
            "[[caller]]\nid = 'third'\nkey_sha256 = ['{}', '{}']\ndomains = ['example.com']\nexpires = '{expires}'",
            one.1,
            two.1.to_uppercase()
        );
        async move { House::with("", &caller).await }
    };
    let (past, future) = (house("2001-01-01T00:00:00Z").await, house("2999-01-01T00:00:00+01:00").await);
    for key in [one.0.expose(), two.0.expose()] {
        assert_eq!(future.get("/metrics", key).await.status, 200);
        assert_eq!(past.get("/metrics", key).await.status, 401);
    }
}

#[tokio::test]
async fn each_limit_says_when_to_come_again() {
    let house = House::with("", "[limits]\nper_target_per_hour = 2\nglobal_per_minute = 4").await;
    let limit = |reply: Reply| (reply.status, reply.header("retry-after").map(str::to_owned));
    for key in ["k1", "k2", "k1"] {
        assert_eq!(house.reset("ann@example.com", key).await.status, 200);
    }
    assert_eq!(limit(house.reset("ANN@example.com", "k3").await), (429, Some("3600".into())));
    for email in ["bob@example.com", "cat@example.com"] {
        assert_eq!(house.reset(email, email).await.status, 200);
    }
    assert_eq!(limit(house.reset("dan@example.com", "k4").await), (429, Some("60".into())));
    for _ in 0..10 {
        assert_eq!(house.get("/metrics", &house.other_key).await.status, 200);
    }
    assert_eq!(limit(house.get("/metrics", &house.other_key).await), (429, Some("60".into())));
    assert_eq!(house.asked(), 4);
    let figures = house.get("/metrics", &house.key).await.body;
    for limit in ["target", "global", "caller"] {
        assert!(figures.contains(&format!("limits_met_total{{limit=\"{limit}\"}} 1")), "{figures}");
    }
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tls").join(name)
}

/// A copy of the fixtures' key with this mode.
fn key_file(home: &Path, mode: u32) -> PathBuf {
    let key = home.join(format!("key-{mode:o}.pem"));
    fs::copy(fixture("key.pem"), &key).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
    key
}

fn tls_settings(key: &Path) -> String {
    let certificate = fixture("loopback.pem");
    format!(
        "tls_certificate = '{}'\ntls_key = '{}'\nclient_ca = '{}'",
        certificate.display(),
        key.display(),
        fixture("root.pem").display()
    )
}

#[tokio::test]
async fn a_client_certificate_is_as_good_as_a_key() {
    let home = tempfile::tempdir().unwrap();
    let shown = CertificateDer::from_pem_file(fixture("client.pem")).unwrap();
    let caller = format!(
        "[[caller]]\nid = 'third'\nclient_certificate_sha256 = ['{}']\ndomains = ['example.com']",
        hex(&sha256(&shown))
    );
    let house = House::with(&tls_settings(&key_file(home.path(), 0o600)), &caller).await;
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(fixture("root.pem")).unwrap()).unwrap();
    let config = || {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        config.unwrap().with_root_certificates(roots.clone())
    };
    let key = PrivateKeyDer::from_pem_file(fixture("key.pem")).unwrap();
    let known = config().with_client_auth_cert(vec![shown], key).unwrap();
    let unknown = config().with_no_client_auth();
    let ask = async |config: ClientConfig, key: &str| {
        let stream = TcpStream::connect(house.address).await.unwrap();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
        converse(stream, &format!("GET /metrics HTTP/1.1\r\n{}\r\n", credentials(key))).await.status
    };
    assert_eq!(ask(known.clone(), "").await, 200);
    // A wrong key beside it is still wrong.
    assert_eq!(ask(known, "x").await, 401);
    assert_eq!(ask(unknown.clone(), "").await, 401);
    assert_eq!(ask(unknown, &house.key).await, 200);
    // Plain text finds nobody.
    assert_eq!(house.get("/healthz", "").await.status, 0);
}

#[test]
fn a_private_key_that_others_can_read_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let said = |mode| {
        let settings = tls_settings(&key_file(home.path(), mode));
        rules(&settings).err().unwrap().to_string()
    };
    assert!(said(0o640).starts_with("serve.tls_key can be read by others"), "{}", said(0o640));
    assert!(said(0o600).starts_with("[[serve.caller]] is missing"), "{}", said(0o600));
}
