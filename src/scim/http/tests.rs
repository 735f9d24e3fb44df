//! What becomes of connections: each server here does one odd thing, and says what it was sent.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use reqwest::Url;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use super::*;

fn options(ca_pem: Option<Vec<u8>>) -> Options {
    let request_timeout = Duration::from_secs(10);
    Options { request_timeout, concurrency: 8, ca_pem, loopback: true, network: None }
}

/// A client for a service, and a PATCH that it could send.
fn client(url: &str, ca_pem: Option<Vec<u8>>) -> (Http, Request) {
    let base = Base::of(&Url::parse(url).unwrap()).unwrap();
    let http = Http::to(base.origin(), &options(ca_pem)).unwrap();
    let to = base.join(format_args!("/Users/7"));
    (http, Request { method: Method::PATCH, to, headers: Vec::new(), body: "{}".into() })
}

/// Answers so many requests on each of its connections as told, and hears one more before it hangs up, or
/// nothing more. Says after each connection how many requests there were on it.
fn hangs_up_after(answers: &'static [(usize, bool)]) -> (String, mpsc::Receiver<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/scim", listener.local_addr().unwrap());
    let (said, heard) = mpsc::channel();
    thread::spawn(move || {
        for (answers, one_more) in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut requests = 0;
            while requests < answers + usize::from(*one_more) {
                let (mut request, mut buffer) = (Vec::new(), [0; 1024]);
                while !request.ends_with(b"\r\n\r\n{}") {
                    let count = stream.read(&mut buffer).unwrap();
                    assert!(count > 0, "a whole request");
                    request.extend_from_slice(&buffer[..count]);
                }
                requests += 1;
                if requests <= *answers {
                    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
                }
            }
            drop(stream);
            said.send(requests).unwrap();
        }
    });
    (url, heard)
}

async fn next(heard: mpsc::Receiver<usize>) -> (usize, mpsc::Receiver<usize>) {
    let wait = move || (heard.recv().unwrap(), heard);
    tokio::task::spawn_blocking(wait).await.unwrap()
}

#[tokio::test]
async fn a_connection_closed_while_nobody_used_it_costs_no_request() {
    let (url, heard) = hangs_up_after(&[(1, false), (2, false)]);
    let (http, request) = client(&url, None);
    assert_eq!(http.send(request.clone()).await.unwrap().bytes(), Some(&b"ok"[..]));
    let (requests, heard) = next(heard).await;
    assert_eq!(requests, 1);
    for _ in 0..2 {
        assert_eq!(http.send(request.clone()).await.unwrap().status, 200);
    }
    assert_eq!(next(heard).await.0, 2, "both on the second connection");
}

#[tokio::test]
async fn a_request_that_was_heard_is_never_sent_again() {
    // On a fresh connection, and on one that was used before.
    let (url, heard) = hangs_up_after(&[(0, true), (1, true), (1, false)]);
    let (http, request) = client(&url, None);
    assert_eq!(http.send(request.clone()).await.unwrap_err(), Lost::Silence);
    assert_eq!(http.trouble(), "the connection broke");
    let (requests, heard) = next(heard).await;
    assert_eq!(requests, 1);
    assert_eq!(http.send(request.clone()).await.unwrap().status, 200);
    assert_eq!(http.send(request.clone()).await.unwrap_err(), Lost::Silence);
    let (requests, heard) = next(heard).await;
    assert_eq!(requests, 2);
    assert_eq!(http.send(request).await.unwrap().status, 200);
    assert_eq!(next(heard).await.0, 1, "what was lost is not there");
}

#[tokio::test]
async fn nothing_leaves_without_a_connection() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (http, request) = client(&format!("http://{nobody}"), None);
    assert_eq!(http.send(request.clone()).await.unwrap_err(), Lost::NotSent);
    assert_eq!(http.trouble(), "the connection is refused");
    // Longer than a label may be, so that nobody is asked for it.
    let (http, unknown) = client(&format!("http://{}.invalid", "a".repeat(80)), None);
    assert_eq!(http.send(unknown).await.unwrap_err(), Lost::NotSent);
    assert_eq!(http.trouble(), "its name cannot be resolved (check --region or --scim-url)");
    assert_eq!(http.send(request).await.unwrap_err(), Lost::NotSent, "it leads to somebody else");
}

#[tokio::test]
async fn an_answer_that_does_not_come_in_time_is_a_lost_one() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = Base::of(&Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap()).unwrap();
    let short = Options { request_timeout: Duration::from_millis(20), ..options(None) };
    let http = Http::to(base.origin(), &short).unwrap();
    let (_, request) = client(&format!("http://{}", listener.local_addr().unwrap()), None);
    assert_eq!(http.send(request).await.unwrap_err(), Lost::Silence);
    assert_eq!(http.trouble(), "no answer in time");
}

fn pem(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/fixtures/tls/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// A service over TLS that speaks this, and how many connections it was asked for.
async fn secure(protocols: &[&str]) -> (String, Arc<AtomicUsize>) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let chain = vec![CertificateDer::from_pem_slice(&pem("loopback.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(&pem("key.pem")).unwrap();
    let mut config = config.with_no_client_auth().with_single_cert(chain, key).unwrap();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let accepted = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&accepted);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            count.fetch_add(1, Ordering::Relaxed);
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let stream = acceptor.accept(stream).await.unwrap();
                let is_shared = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                // Whoever asks is answered with what says where to, once in each protocol.
                let answer = service_fn(|request: hyper::Request<hyper::body::Incoming>| async move {
                    let host = request.headers().get("host").map(|host| host.to_str().unwrap().to_owned());
                    let authority = request.uri().authority().map(ToString::to_string);
                    let seen = format!("{host:?} {}", authority.is_some());
                    Ok::<_, hyper::Error>(hyper::Response::new(seen))
                });
                let stream = TokioIo::new(stream);
                if is_shared {
                    let serve = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                    _ = serve.serve_connection(stream, answer).await;
                } else {
                    _ = hyper::server::conn::http1::Builder::new().serve_connection(stream, answer).await;
                }
            });
        }
    });
    (url, accepted)
}

/// Many requests at once; what all of them were answered.
async fn all_at_once(http: &Http, request: &Request) -> String {
    let requests = (0..8).map(|_| {
        let (http, request) = (http.clone(), request.clone());
        tokio::spawn(async move { http.send(request).await.unwrap() })
    });
    let requests: Vec<_> = requests.collect();
    let mut answers = Vec::new();
    for request in requests {
        answers.push(String::from_utf8(request.await.unwrap().bytes().unwrap().to_vec()).unwrap());
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    answers.remove(0)
}

#[tokio::test]
async fn one_connection_is_shared_where_the_service_speaks_http_2() {
    let (url, accepted) = secure(&["h2", "http/1.1"]).await;
    let (http, request) = client(&url, Some(pem("root.pem")));
    for _ in 0..2 {
        assert_eq!(all_at_once(&http, &request).await, "None true");
    }
    assert_eq!(accepted.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn connections_are_used_again_where_it_does_not() {
    let (url, accepted) = secure(&[]).await;
    let (http, request) = client(&url, Some(pem("root.pem")));
    for _ in 0..2 {
        let host = url.strip_prefix("https://").unwrap();
        assert_eq!(all_at_once(&http, &request).await, format!("Some({host:?}) false"));
    }
    assert!((1..=8).contains(&accepted.load(Ordering::Relaxed)), "{accepted:?}");
}

#[tokio::test]
async fn a_server_that_nobody_vouches_for_is_told_from_one_that_is_not_there() {
    let (url, _) = secure(&["h2"]).await;
    let (http, request) = client(&url, Some(pem("elsewhere.pem")));
    assert!(matches!(http.send(request).await.unwrap_err(), Lost::Tls(_)));
}
