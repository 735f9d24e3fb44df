//! Servers that are not the sandbox: strangers to whom nothing may be sent, and endpoints that
//! show byte for byte what was.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Listens and never answers: whoever connects stays in the queue and is counted.
pub(crate) struct Stranger(TcpListener);

impl Stranger {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.0.local_addr().unwrap())
    }

    /// Connections made so far. They are closed by being counted.
    pub(crate) fn visitors(&self) -> usize {
        std::iter::from_fn(|| self.0.accept().ok()).count()
    }
}

/// How a [`Listener`] speaks.
#[derive(Clone, Copy)]
pub(crate) enum Speaks {
    /// Plain text, whatever it is asked.
    Plain,
    /// TLS, with this certificate of `fixtures/tls`.
    Tls(&'static str),
    /// As a proxy that answers in the place of whomever it is asked to connect to.
    Intercepts(&'static str),
}

/// Answers every connection with the same bytes and keeps what it was sent.
pub(crate) struct Listener {
    address: String,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Listener {
    pub(crate) fn new(speaks: Speaks, answer: &'static str) -> Self {
        Self::answering(speaks, move |_| answer.into())
    }

    /// The same with an answer that depends on the request.
    pub(crate) fn answering(speaks: Speaks, answer: impl Fn(&str) -> Vec<u8> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&heard);
        // Ends with the tests' process, as threads do.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let said = match speaks {
                    Speaks::Plain => converse(stream, &answer),
                    Speaks::Tls(certificate) => converse(secured(stream, certificate), &answer),
                    Speaks::Intercepts(certificate) => {
                        converse(secured(connected(stream), certificate), &answer)
                    }
                };
                shared.lock().unwrap().push(said);
            }
        });
        Self { address, heard }
    }

    /// `HOST:PORT`
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// What each connection so far has said.
    pub(crate) fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

/// A certificate for a file of `fixtures/tls`.
pub(crate) fn certificate(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/tls").join(name)
}

fn secured(stream: TcpStream, name: &str) -> StreamOwned<ServerConnection, TcpStream> {
    let chain = vec![CertificateDer::from_pem_slice(&fs::read(certificate(name)).unwrap()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(&fs::read(certificate("key.pem")).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(chain, key).unwrap();
    StreamOwned::new(ServerConnection::new(Arc::new(config)).unwrap(), stream)
}

/// Takes the request for a tunnel, and promises one.
fn connected(mut stream: TcpStream) -> TcpStream {
    let (mut said, mut byte) = (Vec::new(), [0]);
    while !said.ends_with(b"\r\n\r\n") && matches!(stream.read(&mut byte), Ok(1)) {
        said.extend(byte);
    }
    let _ = stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n");
    stream
}

/// Reads one request, body included, or whatever comes instead; answers; hangs up.
fn converse(mut stream: impl Read + Write, answer: &impl Fn(&str) -> Vec<u8>) -> String {
    let (mut said, mut buffer) = (Vec::new(), [0; 4096]);
    while !is_whole(&said) {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(count) => said.extend_from_slice(&buffer[..count]),
        }
    }
    let said = String::from_utf8_lossy(&said).into_owned();
    let _ = stream.write_all(&answer(&said)).and_then(|()| stream.flush());
    said
}

/// Whether this is a request to its end, or no HTTP at all.
fn is_whole(said: &[u8]) -> bool {
    let text = String::from_utf8_lossy(said);
    let http = said.first().is_none_or(u8::is_ascii_uppercase);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return !http };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    body.len() >= length.unwrap_or_default()
}
