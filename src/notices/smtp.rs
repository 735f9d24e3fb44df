//! Hands mails to a mail server, over connections that are kept for the next one.
//!
//! Who we are and what we write goes over TLS or stays on this machine: where STARTTLS is asked for and not
//! offered, nothing is said at all. A login that was refused is not tried again, lest the account of the
//! sender be locked.

use std::error::Error as Cause;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Rcpt};
use lettre::transport::smtp::extension::ClientId;

use super::check::is_loopback;
use super::message::Letter;
use super::postman::Undelivered;
use super::settings::{Mail, Security, Unfit};
use super::wire;

const NO_CONNECTION: &str = "no connection to the mail server";

/// A mail server.
pub(super) struct Smtp {
    mail: Mail,
    tls: Option<TlsParameters>,
    name: ClientId,
    idle: Mutex<Vec<AsyncSmtpConnection>>,
    login_refused: AtomicBool,
}

impl std::fmt::Debug for Smtp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.mail.fmt(f)
    }
}

/// What the server was busy with when it failed us: with us, or with one mail.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Connecting,
    Letter,
}

impl Smtp {
    /// Nothing is connected yet.
    pub(super) fn new(mail: Mail) -> Result<Self, Unfit> {
        let tls = if mail.security == Security::None { None } else { Some(tls(&mail)?) };
        let (idle, login_refused) = (Mutex::default(), AtomicBool::new(false));
        Ok(Self { mail, tls, name: ClientId::default(), idle, login_refused })
    }

    /// Hands over one mail, once.
    pub(super) async fn send(&self, letter: &Letter) -> Result<(), Undelivered> {
        let late = |_| Err(Undelivered::for_now("the mail server does not answer in time"));
        tokio::time::timeout(self.mail.timeout, self.hand_over(letter)).await.unwrap_or_else(late)
    }

    /// Says good day and goodbye, with the login in between and no mail.
    pub(super) async fn greet(&self) -> Result<(), Undelivered> {
        let late = |_| Err(Undelivered::for_now("the mail server does not answer in time"));
        let greeted = async {
            let mut connection = self.connect().await?;
            // Whoever does not answer a goodbye has answered everything else.
            let _ = connection.quit().await;
            Ok(())
        };
        tokio::time::timeout(self.mail.timeout, greeted).await.unwrap_or_else(late)
    }

    async fn hand_over(&self, letter: &Letter) -> Result<(), Undelivered> {
        let mut connection = match self.kept().await {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        dictate(&mut connection, letter).await.map_err(|error| failure(Stage::Letter, &error))?;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        Ok(())
    }

    /// A connection that still answers.
    async fn kept(&self) -> Option<AsyncSmtpConnection> {
        loop {
            let mut kept = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            if kept.test_connected().await {
                return Some(kept);
            }
        }
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Undelivered> {
        if self.login_refused.load(Ordering::Relaxed) {
            return Err(Undelivered::for_now("the mail server has refused our login before"));
        }
        let failed = |error: Error| failure(Stage::Connecting, &error);
        let mut stream = wire::connect(&self.mail.host, self.mail.port).await.map_err(|e| unreached(&e))?;
        if let (Security::Tls, Some(tls)) = (self.mail.security, &self.tls) {
            stream = wire::secure(stream, tls.clone()).await.map_err(failed)?;
        }
        let greeting = AsyncSmtpConnection::connect_with_transport(stream, &self.name);
        let mut connection = greeting.await.map_err(failed)?;
        if let (Security::StartTls, Some(tls)) = (self.mail.security, &self.tls) {
            if !connection.can_starttls() {
                return Err(Undelivered::for_now("the mail server offers no STARTTLS, so nothing was said"));
            }
            connection.starttls(tls.clone(), &self.name).await.map_err(failed)?;
        }
        self.log_in(&mut connection).await?;
        Ok(connection)
    }

    async fn log_in(&self, connection: &mut AsyncSmtpConnection) -> Result<(), Undelivered> {
        let Some(login) = &self.mail.login else { return Ok(()) };
        if connection.server_info().get_auth_mechanism(DEFAULT_MECHANISMS).is_none() {
            return Err(Undelivered::for_now("the mail server offers no login that we know"));
        }
        let credentials = Credentials::new(login.username.clone(), login.password.expose().to_owned());
        let Err(error) = connection.auth(DEFAULT_MECHANISMS, &credentials).await else { return Ok(()) };
        if !error.is_permanent() {
            return Err(failure(Stage::Connecting, &error));
        }
        self.login_refused.store(true, Ordering::Relaxed);
        let code = error.status().map_or_else(String::new, |code| format!(" ({code})"));
        Err(Undelivered::for_now(format!("the mail server refuses our login{code}")))
    }
}

/// The envelope, then the mail. A connection on which this fails is not used again.
async fn dictate(connection: &mut AsyncSmtpConnection, letter: &Letter) -> Result<(), Error> {
    connection.command(MailFrom::new(letter.envelope.from().cloned(), vec![])).await?;
    for to in letter.envelope.to() {
        connection.command(Rcpt::new(to.clone(), vec![])).await?;
    }
    connection.command(Data).await?;
    connection.message(letter.bytes.expose().as_bytes()).await?;
    Ok(())
}

/// Trusts the system's certificates and those given; on this machine only those given.
fn tls(mail: &Mail) -> Result<TlsParameters, Unfit> {
    let unfit = |error: Error| Unfit(format!("[notices.smtp] TLS cannot be set up: {error}"));
    let mut builder = TlsParameters::builder(mail.host.clone());
    if is_loopback(&mail.host) {
        builder = builder.certificate_store(CertificateStore::None);
    }
    if let Some(pem) = &mail.roots {
        builder = builder.add_root_certificate(Certificate::from_pem(pem).map_err(unfit)?);
    }
    builder.build().map_err(unfit)
}

/// What a failure says about the mail. A refusal before the first word of it is not about it.
fn failure(stage: Stage, error: &Error) -> Undelivered {
    if let Some(code) = error.status() {
        return match stage {
            Stage::Letter if error.is_permanent() => {
                Undelivered::for_good(format!("the mail server refuses the notice ({code})"))
            }
            Stage::Letter => Undelivered::for_now(format!("the mail server puts the notice off ({code})")),
            Stage::Connecting => Undelivered::for_now(format!("the mail server turns us away ({code})")),
        };
    }
    Undelivered::for_now(if is_tls(error) {
        "the mail server cannot show who it is (TLS)"
    } else if stems_from(error, <dyn Cause>::is::<wire::Endless>) {
        "the mail server does not come to the end of its answer"
    } else if error.is_response() {
        "the mail server hangs up, or does not speak SMTP"
    } else if stage == Stage::Connecting {
        NO_CONNECTION
    } else {
        "the connection to the mail server broke"
    })
}

/// Nobody opened.
fn unreached(error: &io::Error) -> Undelivered {
    let refused = error.kind() == io::ErrorKind::ConnectionRefused;
    Undelivered::for_now(if refused { "the mail server refuses the connection" } else { NO_CONNECTION })
}

/// Whether something below the error is so. What an I/O error holds is not its `source`, but what that
/// stems from.
fn stems_from(error: &(dyn Cause + 'static), so: fn(&(dyn Cause + 'static)) -> bool) -> bool {
    let below = match error.downcast_ref::<io::Error>() {
        Some(io) => io.get_ref().map(|held| held as &(dyn Cause + 'static)),
        None => error.source(),
    };
    so(error) || below.is_some_and(|below| stems_from(below, so))
}

fn is_tls(error: &Error) -> bool {
    error.is_tls() || stems_from(error, <dyn Cause>::is::<rustls::Error>)
}
