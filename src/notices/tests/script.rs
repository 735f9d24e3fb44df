//! Servers that say what they are told to say, and keep what they hear.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::certificate;

/// How a mail server keeps its connections private.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Private {
    Never,
    OnRequest,
    FromTheStart,
}

/// What a server says to a line; `None` for what is usual, an empty text to hang up.
pub(super) type Says = fn(&str) -> Option<&'static str>;

/// A line that no answer follows, while the connection stays open.
pub(super) const SILENCE: &str = "…";

/// A megabyte without a line feed, and no more than that.
pub(super) const ENDLESS: &str = "∞";

trait Wire: Read + Write + Send {}
impl<T: Read + Write + Send> Wire for T {}

/// A server on loopback. It ends with the tests' process, as threads do.
pub(super) struct Server {
    pub(super) port: u16,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// What all connections have said, one after the other; each begins with `<`.
    pub(super) fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }

    pub(super) fn connections(&self) -> usize {
        self.heard().iter().filter(|line| *line == "<").count()
    }

    /// A mail server.
    pub(super) fn mail(private: Private, certificate: &'static str, says: Says) -> Self {
        Self::new(move |stream, heard| {
            let mut wire: Box<dyn Wire> = Box::new(stream);
            if private == Private::FromTheStart {
                wire = Box::new(secured(wire, certificate));
            }
            let talk = Talk { wire, heard, says, offers_tls: private == Private::OnRequest };
            let _ = talk.run(certificate);
        })
    }

    /// A web server that answers each request with these bytes, or not at all.
    pub(super) fn web(answer: &'static str) -> Self {
        Self::new(move |mut stream, heard| {
            let (mut said, mut buffer) = (String::new(), [0; 4096]);
            while !is_whole(&said) {
                let count = stream.read(&mut buffer).unwrap_or_default();
                if count == 0 {
                    break;
                }
                said.push_str(&String::from_utf8_lossy(&buffer[..count]));
            }
            heard.lock().unwrap().push(said);
            if answer == SILENCE {
                thread::park();
            }
            let _ = stream.write_all(answer.as_bytes());
        })
    }

    fn new(serve: impl Fn(TcpStream, &Mutex<Vec<String>>) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let (shared, serve) = (Arc::clone(&heard), Arc::new(serve));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (shared, serve) = (Arc::clone(&shared), Arc::clone(&serve));
                thread::spawn(move || {
                    shared.lock().unwrap().push("<".to_owned());
                    serve(stream, &shared);
                });
            }
        });
        Self { port, heard }
    }
}

/// One conversation of SMTP.
struct Talk<'a> {
    wire: Box<dyn Wire>,
    heard: &'a Mutex<Vec<String>>,
    says: Says,
    offers_tls: bool,
}

impl Talk<'_> {
    fn run(mut self, certificate: &str) -> std::io::Result<()> {
        self.say((self.says)("").unwrap_or("220 here"))?;
        while let Some(line) = self.line() {
            self.heard.lock().unwrap().push(line.clone());
            let verb = line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
            let hello = if self.offers_tls {
                "250-here\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN"
            } else {
                "250-here\r\n250 AUTH PLAIN LOGIN"
            };
            let usual = match verb.as_str() {
                "EHLO" => hello,
                "STARTTLS" => "220 go on",
                "AUTH" => "235 welcome",
                "DATA" => "354 go on",
                _ => "250 yes",
            };
            let answer = (self.says)(&line).unwrap_or(usual);
            self.say(answer)?;
            if verb == "STARTTLS" && answer.starts_with("220") {
                self.wire = Box::new(secured(self.wire, certificate));
                self.offers_tls = false;
            }
            if answer.starts_with("354") {
                while let Some(line) = self.line().filter(|line| line != ".") {
                    self.heard.lock().unwrap().push(line);
                }
                self.say((self.says)(".").unwrap_or("250 taken"))?;
            }
        }
        Ok(())
    }

    fn say(&mut self, answer: &str) -> std::io::Result<()> {
        match answer {
            "" => Err(std::io::ErrorKind::BrokenPipe.into()),
            SILENCE => {
                thread::park();
                Ok(())
            }
            ENDLESS => {
                self.wire.write_all(b"250-")?;
                self.wire.write_all(&vec![b'x'; 1 << 20])?;
                self.say(SILENCE)
            }
            _ => self.wire.write_all(format!("{answer}\r\n").as_bytes()).and_then(|()| self.wire.flush()),
        }
    }

    fn line(&mut self) -> Option<String> {
        let (mut line, mut byte) = (Vec::new(), [0]);
        while !line.ends_with(b"\r\n") {
            if self.wire.read(&mut byte).ok()? == 0 {
                return None;
            }
            line.push(byte[0]);
        }
        line.truncate(line.len() - 2);
        String::from_utf8(line).ok()
    }
}

fn secured(wire: Box<dyn Wire>, name: &str) -> StreamOwned<ServerConnection, Box<dyn Wire>> {
    let chain = vec![CertificateDer::from_pem_slice(&fs::read(certificate(name)).unwrap()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(&fs::read(certificate("key.pem")).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(chain, key).unwrap();
    StreamOwned::new(ServerConnection::new(Arc::new(config)).unwrap(), wire)
}

/// Whether this is a request to its end.
fn is_whole(said: &str) -> bool {
    let Some((head, body)) = said.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    length.is_none_or(|length| body.len() >= length.parse().unwrap())
}
