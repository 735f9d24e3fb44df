//! Posts notices to a webhook, as JSON with the keys `to`, `subject` and `body`.
//!
//! Redirects are not followed, and of the answer only the status and `Retry-After` are read. A 2xx is a yes.

use std::time::{Duration, SystemTime};

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Certificate, Client, Response, Url};
use serde::Serialize;
use tokio::net::TcpStream;

use super::check::is_loopback;
use super::message::Notice;
use super::postman::Undelivered;
use super::settings::{Unfit, Webhook};
use super::template::Rendered;
use crate::domain::retry_after::retry_after;

/// A place that takes notices.
#[derive(Debug)]
pub(super) struct Hook {
    client: Client,
    url: Url,
    authorization: Option<HeaderValue>,
    timeout: Duration,
}

/// The body: these three keys, and no other.
#[derive(Serialize)]
struct Post<'a> {
    to: &'a str,
    subject: &'a str,
    body: &'a str,
}

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

impl Hook {
    /// Nothing is connected yet.
    pub(super) fn new(webhook: Webhook) -> Result<Self, Unfit> {
        let authorization = webhook.authorization.as_ref().map(|secret| {
            let mut value = HeaderValue::from_str(secret.expose()).map_err(|_| {
                Unfit("[notices.webhook] authorization_file: no value for a header".to_owned())
            })?;
            value.set_sensitive(true);
            Ok(value)
        });
        let (client, authorization) = (client(&webhook)?, authorization.transpose()?);
        Ok(Self { client, authorization, url: webhook.url, timeout: webhook.timeout })
    }

    /// Connects and says nothing. Behind a proxy there is nothing to connect to.
    pub(super) async fn connect(&self) -> Result<(), Undelivered> {
        let host = self.url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let port = self.url.port_or_known_default().unwrap_or(443);
        let uri = self.url.as_str().parse().unwrap_or_default();
        if !is_loopback(host) && Matcher::from_system().intercept(&uri).is_some() {
            return Ok(());
        }
        let connected = tokio::time::timeout(self.timeout, TcpStream::connect((host, port))).await;
        match connected {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) => Err(Undelivered::for_now("no connection to the webhook")),
            Err(_) => Err(Undelivered::for_now("the webhook does not answer in time")),
        }
    }

    /// Posts one notice, once.
    pub(super) async fn send(&self, notice: &Notice<'_>, words: &Rendered) -> Result<(), Undelivered> {
        let post = Post { to: notice.to, subject: &words.subject, body: words.text.expose() };
        let unfit = || Undelivered::for_good("the notice makes no request");
        let body = serde_json::to_vec(&post).map_err(|_| unfit())?;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(IDEMPOTENCY_KEY, HeaderValue::from_str(notice.id).map_err(|_| unfit())?);
        headers.extend(self.authorization.clone().map(|value| (AUTHORIZATION, value)));
        let sent = self.client.post(self.url.clone()).headers(headers).body(body).send().await;
        answer(&sent.map_err(|error| lost(&error))?)
    }
}

fn client(webhook: &Webhook) -> Result<Client, Unfit> {
    // Fails only when one is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let unfit =
        |_| Unfit("[notices.webhook] TLS cannot be set up with the certificates there are".to_owned());
    let roots = webhook.roots.as_deref().map(Certificate::from_pem_bundle).transpose().map_err(unfit)?;
    let roots = roots.unwrap_or_default();
    let builder = Client::builder()
        .user_agent(concat!("scim-rekey/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .connect_timeout(webhook.timeout.min(Duration::from_secs(10)))
        .timeout(webhook.timeout);
    let host = webhook.url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let builder = if is_loopback(host) {
        builder.no_proxy().tls_certs_only(roots)
    } else {
        builder.tls_certs_merge(roots)
    };
    builder.build().map_err(unfit)
}

/// What an answer says about the notice. A 401 or 407 is about us.
fn answer(response: &Response) -> Result<(), Undelivered> {
    let status = response.status().as_u16();
    match status {
        200..=299 => Ok(()),
        300..=399 => {
            Err(Undelivered::for_good(format!("the webhook sends us elsewhere, and we do not go ({status})")))
        }
        401 | 407 => Err(Undelivered::for_now(format!("the webhook refuses our authorization ({status})"))),
        408 | 425 | 429 | 500.. => Err(Undelivered {
            retry_after: asked(response.headers()),
            ..Undelivered::for_now(format!("the webhook puts the notice off ({status})"))
        }),
        _ => Err(Undelivered::for_good(format!("the webhook refuses the notice ({status})"))),
    }
}

fn asked(headers: &HeaderMap) -> Option<Duration> {
    let text = |value: &HeaderValue| value.to_str().map(str::to_owned).ok();
    let waits: Vec<_> = headers.get_all("retry-after").iter().filter_map(text).collect();
    let date = headers.get("date").and_then(text);
    retry_after(waits.iter().map(String::as_str), date.as_deref(), SystemTime::now())
}

/// The error's own text holds the URL.
fn lost(error: &reqwest::Error) -> Undelivered {
    Undelivered::for_now(match (error.is_connect(), error.is_timeout()) {
        (_, true) => "the webhook does not answer in time",
        (true, false) => "no connection to the webhook",
        (false, false) => "the connection to the webhook broke",
    })
}
