//! What lies between the program and the service: delays, losses, and a watch over what leaves.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use axum::body::Bytes;
use axum::http::Response;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use reqwest::Method;
use serde_json::Value;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};

use crate::sandbox::{Arrival, Indoors};
use crate::scim::http::{Body, Lost, Network, Reply, Request};

/// How often what goes wrong, in 0..1, and how long the way is.
#[derive(Debug, Clone)]
pub(super) struct Weather {
    /// No connection: nothing leaves.
    pub(super) not_sent: f64,
    /// The request is lost on its way.
    pub(super) lost: f64,
    /// The answer is lost on its way back.
    pub(super) answer_lost: f64,
    /// The request arrives after the client has given up waiting.
    pub(super) late: f64,
    /// Milliseconds of each way.
    pub(super) way_ms: Range<u64>,
}

impl Weather {
    /// Nothing is lost, and each way takes so long.
    pub(super) const fn calm(way_ms: u64) -> Self {
        Self { not_sent: 0.0, lost: 0.0, answer_lost: 0.0, late: 0.0, way_ms: way_ms..way_ms + 1 }
    }
}

/// A time at which nothing works.
#[derive(Debug, Clone)]
pub(super) struct Outage {
    /// When.
    pub(super) during: Range<Instant>,
    /// How it shows.
    pub(super) shows: Shows,
}

/// How an outage shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shows {
    /// Connections are refused.
    Refused,
    /// Nothing comes back.
    Silence,
    /// A gateway answers for the service.
    Status(u16),
}

/// The client's patience with one request.
const PATIENCE: Duration = Duration::from_secs(60);

/// The way to the service.
pub(super) struct Cable {
    pub(super) service: Indoors,
    state: Mutex<State>,
}

struct State {
    chance: StdRng,
    weather: Weather,
    /// Until when nothing may leave, by token.
    holds: BTreeMap<String, Instant>,
    outage: Option<Outage>,
    log: Option<PathBuf>,
    seen: Watch,
}

/// What was noticed on the way.
#[derive(Debug, Clone, Default)]
pub(super) struct Watch {
    /// Requests that left before a wait was over that the program had been told of.
    pub(super) early: u64,
    /// Changes that left without their intent in the log.
    pub(super) undeclared: u64,
    /// Accounts whose PATCH got no answer that tells.
    pub(super) doubtful: BTreeSet<String>,
    /// Requests that left during the outage.
    pub(super) during_outage: u64,
}

enum Fate {
    NotSent,
    Lost,
    Gateway(u16),
    AnswerLost,
    Late(Duration),
    Arrives,
}

impl Cable {
    pub(super) fn new(service: Indoors, weather: Weather, seed: u64) -> Self {
        let state = State {
            chance: StdRng::seed_from_u64(seed),
            weather,
            holds: BTreeMap::new(),
            outage: None,
            log: None,
            seen: Watch::default(),
        };
        Self { service, state: Mutex::new(state) }
    }

    /// Looks into this log for the intent of each PATCH that leaves.
    pub(super) fn watch_log(&self, path: PathBuf) {
        self.state().log = Some(path);
    }

    /// From now on for so long nothing works. The other end of it is returned.
    pub(super) fn fail_for(&self, length: Duration, shows: Shows) -> Instant {
        let end = Instant::now() + length;
        self.state().outage = Some(Outage { during: Instant::now()..end, shows });
        end
    }

    /// A new process knows of no wait that an earlier one was asked for.
    pub(super) fn forget_hold(&self) {
        self.state().holds.clear();
    }

    pub(super) fn set_weather(&self, weather: Weather) {
        self.state().weather = weather;
    }

    pub(super) fn seen(&self) -> Watch {
        self.state().seen.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn there_and_back(&self, request: Request) -> Result<Reply, Lost> {
        let (fate, way, back) = self.depart(&request);
        sleep(way).await;
        let delay = match fate {
            Fate::NotSent => return Err(Lost::NotSent),
            Fate::Lost => {
                sleep(PATIENCE).await;
                return Err(Lost::Silence);
            }
            Fate::Gateway(status) => {
                let headers = axum::http::HeaderMap::new();
                return Ok(Reply { status, headers, body: Body::Whole(b"<html>".to_vec()) });
            }
            Fate::Late(delay) => delay,
            Fate::AnswerLost | Fate::Arrives => Duration::ZERO,
        };
        // A task of its own: what has left arrives, whatever becomes of the client.
        let (answer, answered) = oneshot::channel();
        let service = self.service.clone();
        tokio::spawn(async move {
            sleep(delay).await;
            let _ = answer.send(service.ask(outgoing(request)).await);
        });
        let arrival = async {
            let arrival = answered.await.ok();
            sleep(back).await;
            arrival
        };
        match timeout(PATIENCE, arrival).await {
            Ok(Some(arrival)) if !matches!(fate, Fate::AnswerLost) => incoming(arrival),
            _ => Err(Lost::Silence),
        }
    }

    /// A request leaves: was it allowed to, and what becomes of it?
    fn depart(&self, request: &Request) -> (Fate, Duration, Duration) {
        let mut state = self.state();
        let scim = !is_token(request);
        let hold = state.holds.get(&bearer(request)).filter(|_| scim);
        state.seen.early += u64::from(hold.is_some_and(|hold| Instant::now() < *hold));
        if let (Some(id), Some(log)) = (patched(request), state.log.as_ref()) {
            let log = std::fs::read_to_string(log).unwrap_or_default();
            let named = format!("\"user_id\":\"{id}\"");
            let declared =
                log.lines().any(|line| line.contains("\"kind\":\"intent\"") && line.contains(&named));
            state.seen.undeclared += u64::from(!declared);
        }
        if let Some(shows) = state.outage() {
            state.seen.during_outage += 1;
            let fate = match shows {
                Shows::Refused => Fate::NotSent,
                Shows::Silence => Fate::Lost,
                Shows::Status(status) => Fate::Gateway(status),
            };
            return (fate, Duration::from_millis(1), Duration::ZERO);
        }
        let Weather { not_sent, lost, answer_lost, late, way_ms } = state.weather.clone();
        let way = Duration::from_millis(state.chance.random_range(way_ms.clone()));
        let back = Duration::from_millis(state.chance.random_range(way_ms));
        let dice: f64 = state.chance.random();
        let fate = match dice {
            dice if dice < not_sent => Fate::NotSent,
            dice if dice < not_sent + lost => Fate::Lost,
            dice if dice < not_sent + lost + answer_lost => Fate::AnswerLost,
            dice if dice < not_sent + lost + answer_lost + late => {
                Fate::Late(PATIENCE + Duration::from_secs(state.chance.random_range(1..200)))
            }
            _ => Fate::Arrives,
        };
        (fate, way, back)
    }

    /// An answer has come: what does it oblige to, and does it tell?
    fn arrive(&self, id: Option<&str>, bearer: Option<&str>, reply: &Result<Reply, Lost>) {
        let mut state = self.state();
        if let (Ok(reply), Some(bearer)) = (reply, bearer)
            && (reply.status == 429 || reply.status >= 500)
            && let Some(wait) = reply.header_all("retry-after").filter_map(asked).max()
        {
            let hold = state.holds.entry(bearer.to_owned()).or_insert_with(Instant::now);
            *hold = (*hold).max(Instant::now() + wait);
        }
        if let Some(id) = id
            && !tells(id, reply)
        {
            state.seen.doubtful.insert(id.to_owned());
        }
    }
}

impl State {
    fn outage(&self) -> Option<Shows> {
        let outage = self.outage.as_ref()?;
        outage.during.contains(&Instant::now()).then_some(outage.shows)
    }
}

impl Network for Cable {
    fn carry(&self, request: Request) -> Pin<Box<dyn Future<Output = Result<Reply, Lost>> + Send + '_>> {
        Box::pin(async move {
            let bearer = (!is_token(&request)).then(|| bearer(&request));
            let mut way = Way { cable: self, id: patched(&request), bearer, done: false };
            let reply = self.there_and_back(request).await;
            way.done = true;
            self.arrive(way.id.as_deref(), way.bearer.as_deref(), &reply);
            reply
        })
    }
}

/// A request under way. Given up, it leaves its account in doubt.
struct Way<'a> {
    cable: &'a Cable,
    id: Option<String>,
    bearer: Option<String>,
    done: bool,
}

impl Drop for Way<'_> {
    fn drop(&mut self) {
        if !self.done {
            self.cable.arrive(self.id.as_deref(), self.bearer.as_deref(), &Err(Lost::Silence));
        }
    }
}

impl fmt::Debug for Cable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cable")
    }
}

/// The wait that a header asks for: whole seconds, or a date.
fn asked(header: &str) -> Option<Duration> {
    let date = || httpdate::parse_http_date(header).ok()?.duration_since(SystemTime::now()).ok();
    let header = header.trim();
    let seconds = header.parse::<u32>().ok().filter(|_| header.bytes().all(|byte| byte.is_ascii_digit()));
    seconds.map(|seconds| Duration::from_secs(seconds.into())).or_else(date)
}

fn is_token(request: &Request) -> bool {
    request.to.uri().is_some_and(|uri| uri.path().ends_with("/oauth/token"))
}

/// The token of a request.
fn bearer(request: &Request) -> String {
    let header = request.headers.iter().find(|(name, _)| name == "authorization");
    header.and_then(|(_, value)| value.to_str().ok()).unwrap_or_default().to_owned()
}

/// The account that a request would change.
fn patched(request: &Request) -> Option<String> {
    let uri = request.to.uri()?;
    let id = uri.path().rsplit('/').next()?;
    (request.method == Method::PATCH).then(|| id.to_owned())
}

/// Whether an answer to a PATCH of this account says what was done.
fn tells(id: &str, reply: &Result<Reply, Lost>) -> bool {
    match reply {
        Ok(Reply { status: 200..=299, body: Body::Whole(bytes), .. }) => {
            let account = serde_json::from_slice::<Value>(bytes);
            bytes.is_empty() || account.is_ok_and(|account| account["id"] == id)
        }
        Ok(Reply { status, .. }) => matches!(status, 300..=499 | 501 | 503),
        Err(lost) => *lost == Lost::NotSent,
    }
}

fn outgoing(request: Request) -> axum::http::Request<Bytes> {
    let mut out = axum::http::Request::new(request.body);
    *out.method_mut() = request.method;
    *out.uri_mut() = request.to.uri().expect("an address");
    out.headers_mut().extend(request.headers);
    out
}

fn incoming(arrival: Arrival) -> Result<Reply, Lost> {
    let reply = |response: Response<Bytes>, body: fn(Vec<u8>) -> Body| {
        let (parts, bytes) = response.into_parts();
        Reply { status: parts.status.as_u16(), headers: parts.headers, body: body(bytes.to_vec()) }
    };
    match arrival {
        Arrival::Whole(response) => Ok(reply(response, Body::Whole)),
        Arrival::Cut(response) => Ok(reply(response, |_| Body::Cut)),
        Arrival::TooLong => {
            Ok(Reply { status: 200, headers: axum::http::HeaderMap::new(), body: Body::TooLong })
        }
        Arrival::Reset => Err(Lost::Silence),
    }
}

/// Shared with the program's client.
pub(super) type SharedCable = Arc<Cable>;
