//! The HTTP side of the service: who may ask, for what, how often, and how it is answered.
//!
//! What carries a reset out is behind the [`desk`]; nothing here knows a password, a user's address in the
//! directory, or SCIM. A question reaches the desk only from a caller who has proven himself, about a user
//! of his domains (by address here, by id behind the desk), within every limit.
//!
//! | concern | file |
//! |---|---|
//! | what is set, and what a start is refused for | `settings`, `caller`, `tls` |
//! | sockets, places and deadlines | `accept`, `connection` |
//! | proof, panics, the total time, the log | `front`, `auth` |
//! | what may be said, and how often | `body`, `limits` |
//! | what is done and answered | `routes`, `answer`, `problem`, `metrics` |

mod accept;
mod answer;
mod auth;
mod body;
pub(crate) mod caller;
mod connection;
pub(crate) mod desk;
mod front;
mod limits;
mod metrics;
mod problem;
mod routes;
pub(crate) mod settings;
#[cfg(test)]
mod tests;
mod tls;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use ring::hmac;
use tokio::net::TcpListener;
use tokio::sync::watch;

pub(crate) use caller::new_key;

use accept::Door;
use desk::Desk;
use front::Front;
use settings::Rules;

/// What the service needs of those who carry resets out.
pub(crate) struct Back {
    /// Where to ask. It is as long as [`Rules::queue`] says.
    pub(crate) desk: Desk,
    /// Whether resets are taken: the audit log can be written, and nobody has said stop.
    pub(crate) ready: watch::Receiver<bool>,
    /// Of the installation, the same after every start: what is kept of keys and requests is an HMAC.
    pub(crate) key: hmac::Key,
}

/// A service that has its address, and nobody inside yet.
pub(crate) struct Listening {
    listener: TcpListener,
    address: SocketAddr,
    rules: Rules,
}

impl Listening {
    /// Takes the address of the settings.
    pub(crate) async fn bind(rules: Rules) -> io::Result<Self> {
        let listener = accept::bind(rules.listen).await?;
        Ok(Self { address: listener.local_addr()?, listener, rules })
    }

    /// Where the service is, as a client writes it.
    pub(crate) fn url(&self) -> String {
        let scheme = if self.rules.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Serves until `shutdown`, then lets requests end for as long as the settings say. Returns how many
    /// connections were cut off.
    pub(crate) async fn serve(self, back: Back, shutdown: impl Future<Output = ()>) -> usize {
        let front = Arc::new(Front::new(self.rules, back.desk, back.ready, back.key));
        let router = routes::router(&front);
        let (metrics, answered) = (Arc::clone(&front.metrics), Arc::clone(&front.answered));
        let door = Door::new(self.listener, &front.rules, router, metrics, answered);
        door.keep(shutdown).await
    }
}
