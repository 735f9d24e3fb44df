//! Requests through the library that knows proxies.

use std::io;

use reqwest::{Client, Url};
use rustls::ClientConfig;

use super::trouble::{Failed, Trouble, io_error, nothing_left};
use super::{AGENT, BODY_CAP, Body, CONNECT_TIMEOUT, Lost, Options, Reply, Request};

/// A client that follows and repeats nothing.
pub(super) fn client(options: &Options, tls: ClientConfig) -> reqwest::Result<Client> {
    let builder = Client::builder()
        .user_agent(AGENT)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .tcp_nodelay(true)
        .pool_max_idle_per_host(options.concurrency)
        .connect_timeout(options.request_timeout.min(CONNECT_TIMEOUT))
        .timeout(options.request_timeout)
        .tls_backend_preconfigured(tls);
    if options.loopback { builder.no_proxy().build() } else { builder.build() }
}

/// Sends once.
pub(super) async fn send(client: &Client, request: Request) -> Result<Reply, Failed> {
    let Request { method, to, headers, body } = request;
    let url = to.uri().and_then(|uri| Url::parse(&uri.to_string()).ok());
    let mut request = reqwest::Request::new(method, url.ok_or((Trouble::NoConnection, Lost::NotSent))?);
    request.headers_mut().extend(headers);
    *request.body_mut() = Some(body).filter(|body| !body.is_empty()).map(Into::into);
    let mut response = client.execute(request).await.map_err(|error| (trouble(&error), lost(&error)))?;
    let body = read(&mut response).await;
    let (status, headers) = (response.status().as_u16(), std::mem::take(response.headers_mut()));
    Ok(Reply { status, headers, body })
}

async fn read(response: &mut reqwest::Response) -> Body {
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if bytes.len() + chunk.len() <= BODY_CAP => bytes.extend_from_slice(&chunk),
            Ok(Some(_)) => return Body::TooLong,
            Ok(None) => return Body::Whole(bytes),
            Err(_) => return Body::Cut,
        }
    }
}

/// Sorts an error by what it says about the request.
fn lost(error: &reqwest::Error) -> Lost {
    // Only a failure to connect says that nothing left; TLS can fail later, too.
    match (error.is_builder(), error.is_connect()) {
        (true, _) => Lost::NotSent,
        (false, true) => nothing_left(error),
        (false, false) => Lost::Silence,
    }
}

fn trouble(error: &reqwest::Error) -> Trouble {
    let refused = |error: &io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    match (error.is_connect(), error.is_timeout()) {
        (true, _) if error.is_dns() => Trouble::Unresolved,
        (true, true) => Trouble::NoConnectionInTime,
        (true, false) if io_error(error).is_some_and(refused) => Trouble::Refused,
        (true, false) => Trouble::NoConnection,
        (false, true) => Trouble::NoAnswerInTime,
        (false, false) => Trouble::Broken,
    }
}
