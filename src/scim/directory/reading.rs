//! The reading itself: pages asked for side by side, weighed and noted as they come.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinSet;

use super::map::Map;
use super::pages::{Endless, Pages, Span};
use super::shown::Shown;
use super::wish::Wish;
use crate::domain::event::Trail;
use crate::domain::stop::Stop;
use crate::scim::client::{list_address, read_request};
use crate::scim::exchange::{Exchange, Fault};
use crate::scim::http::{Base, Reply};
use crate::scim::identity::version;
use crate::scim::listing::{ListResponse, User};
use crate::scim::retry::Op;

/// So many pages under way are enough for any rate: each may be a megabyte.
const MOST_IN_AIR: usize = 32;

/// Why there is no list.
#[derive(Debug)]
pub(super) enum Unread {
    /// The run cannot go on, or is stopping.
    Fault(Fault),
    /// Look-ups by name cost less.
    Dear,
    /// It cannot be had, in words.
    Failed(String),
}

/// Reads the list.
pub(super) async fn read(
    exchange: &Arc<Exchange>,
    base: &Base,
    wish: &Wish,
    max_results: Option<u64>,
    progress: &Mutex<Option<(u64, u64)>>,
) -> Result<Map, Unread> {
    let folding = wish.wanted.folding();
    let mut reading = Reading {
        exchange,
        base,
        wish,
        pages: Pages::new(max_results),
        air: JoinSet::new(),
        shown: Shown::new(folding, 0),
        read: 0,
        came: 0,
        counted: None,
    };
    loop {
        reading.launch()?;
        *progress.lock().unwrap_or_else(PoisonError::into_inner) = Some(reading.progress());
        let Some(landed) = reading.air.join_next().await else { break };
        let (span, reply) = landed.map_err(|_| internal())?;
        reading.land(span, reply)?;
    }
    // Whoever was counted and not shown could be a namesake.
    if reading.came < reading.counted.unwrap_or_default() {
        return Err(Endless::Empty.into());
    }
    Ok(reading.shown.settled())
}

struct Reading<'a> {
    exchange: &'a Arc<Exchange>,
    base: &'a Base,
    wish: &'a Wish,
    pages: Pages,
    air: JoinSet<(Span, Result<Reply, Fault>)>,
    shown: Shown,
    /// Pages.
    read: u64,
    /// Users on them, and the fewest that any of them counted in all.
    came: u64,
    counted: Option<u64>,
}

impl Reading<'_> {
    /// Pages leave side by side, once the first has told how many there are.
    fn launch(&mut self) -> Result<(), Unread> {
        while self.air.len() < self.wish.concurrency.min(MOST_IN_AIR) {
            let Some(span) = self.pages.next() else { return Ok(()) };
            let span = span?;
            let exchange = Arc::clone(self.exchange);
            let request = read_request(list_address(self.base, span.start, span.count));
            self.air.spawn(async move {
                // All pages are one row to the breaker: a service whose list alone fails is not down.
                let reply = exchange.send(Op::Page, 0, &request, &mut Trail::default()).await;
                (span, reply)
            });
        }
        Ok(())
    }

    fn progress(&self) -> (u64, u64) {
        (self.read, self.read + self.air.len() as u64 + self.pages.left())
    }

    fn land(&mut self, span: Span, reply: Result<Reply, Fault>) -> Result<(), Unread> {
        let reply = match reply {
            Ok(reply) => reply,
            Err(Fault::Throttled(_)) => return self.refused(span, "every attempt was answered 429"),
            Err(fault @ (Fault::Redirected(_) | Fault::Halt(_))) => return Err(Unread::Fault(fault)),
            Err(Fault::Unavailable(_) | Fault::InDoubt(_)) => return failed("it is not served"),
        };
        match (reply.status, reply.bytes()) {
            (200, Some(body)) => self.take(&span, body),
            (200, None) => self.refused(span, "its pages are longer than 1 MiB"),
            (403, _) => failed("the service forbids it (403)"),
            (status, _) => failed(format!("the service refuses it ({status})")),
        }
    }

    /// Smaller pages may be had where larger ones are not.
    fn refused(&mut self, span: Span, why: &str) -> Result<(), Unread> {
        let times = self.pages.refused(span);
        if self.exchange.allows(times) { self.weigh() } else { failed(why) }
    }

    /// Whether the rest is still worth it, as far as its length is known.
    fn weigh(&self) -> Result<(), Unread> {
        let left = self.air.len() as u64 + self.pages.left();
        let users = self.pages.total().unwrap_or(u64::MAX);
        if self.wish.is_worth(left, users) { Ok(()) } else { Err(Unread::Dear) }
    }

    fn take(&mut self, span: &Span, body: &[u8]) -> Result<(), Unread> {
        let list =
            ListResponse::read(body).filter(|list| list.resources.is_some() || list.total_results == Some(0));
        let Some(ListResponse { total_results, resources }) = list else {
            return failed("it is not answered with a list of users");
        };
        self.read += 1;
        let users = resources.unwrap_or_default();
        self.came += users.len() as u64;
        self.counted = self.counted.into_iter().chain(total_results).min();
        let first = self.pages.total().is_none();
        self.pages.came(span, users.len() as u64, total_results)?;
        if first {
            self.begin(&users)?;
        }
        let new = users.iter().filter(|user| self.shown.note(user, &self.wish.wanted)).count();
        // A few who were seen before have only moved on, as somebody was added in front of them.
        if new == 0 && self.pages.is_whole(users.len() as u64) {
            return failed("it repeats itself");
        }
        if self.shown.is_too_much() { Err(Endless::TooLong.into()) } else { Ok(()) }
    }

    /// The first page tells what the list is like.
    fn begin(&mut self, users: &[User]) -> Result<(), Unread> {
        if !users.is_empty() && users.iter().all(|user| version(user).is_none()) {
            return failed("it shows no versions (meta.version)");
        }
        self.weigh()?;
        let users = usize::try_from(self.pages.total().unwrap_or_default()).unwrap_or(usize::MAX);
        let wanted = &self.wish.wanted;
        self.shown = Shown::new(wanted.folding(), wanted.len().min(users));
        Ok(())
    }
}

fn failed(why: impl Into<String>) -> Result<(), Unread> {
    Err(Unread::Failed(why.into()))
}

fn internal() -> Unread {
    Unread::Fault(Stop::Internal("a task of this program failed".to_owned()).into())
}

impl From<Endless> for Unread {
    fn from(endless: Endless) -> Self {
        let why = match endless {
            Endless::NoTotal => "it does not say how many users there are",
            Endless::Empty => "it counts users that it does not show",
            Endless::TooLong => "it is too long to be read",
        };
        Self::Failed(why.to_owned())
    }
}
