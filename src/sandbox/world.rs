//! Owns the whole state of the service, and the order in which a request is judged:
//! recorded, then its token, then the rate limit, then the script of faults, then the deed.

use std::sync::Arc;

use tokio::time::Instant;

use super::action::Action;
use super::call::{Call, Route};
use super::ledger::Ledger;
use super::meter::Standing;
use super::options::Options;
use super::problem::Problem;
use super::query::{Filter, ListQuery};
use super::rules::Rules;
use super::store::Store;
use super::throttle;
use super::tokens::Tokens;
use super::truth::{Kind, Truth};

/// The state of the service, behind one lock.
pub(super) struct World {
    pub(super) options: Options,
    /// `http://127.0.0.1:PORT/api/v2/scim/v2`
    pub(super) scim_base: String,
    pub(super) started: Instant,
    pub(super) store: Store,
    pub(super) tokens: Tokens,
    pub(super) rules: Rules,
    pub(super) ledger: Ledger,
}

/// A request that was let in or refused at the door.
pub(super) struct Admission {
    pub(super) entry: Option<usize>,
    /// The bearer token it came with, good or not.
    pub(super) token: Option<String>,
    pub(super) standing: Option<Standing>,
    pub(super) refusal: Option<Problem>,
    pub(super) fault: Option<Arc<Action>>,
    pub(super) list: Result<ListQuery, Problem>,
}

impl World {
    pub(super) fn new(mut options: Options, base: &str) -> Self {
        let faults = std::mem::take(&mut options.faults);
        Self {
            scim_base: format!("{base}/api/v2/scim/v2"),
            started: Instant::now(),
            store: Store::new(&options),
            tokens: Tokens::default(),
            rules: Rules::new(faults),
            ledger: Ledger::new(options.keep_requests, options.keep_changes),
            options,
        }
    }

    /// Milliseconds since the start.
    pub(super) fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Records the request and judges it up to the script of faults.
    pub(super) fn admit(&mut self, call: &mut Call) -> Admission {
        // Stamped under the lock, so that the record is in order of time.
        call.at_ms = self.now_ms();
        let list = match call.route {
            Route::Users => ListQuery::parse(call.query(), &self.options),
            _ => Ok(ListQuery::default()),
        };
        let (user, id) = self.subject(call, list.as_ref().ok());
        let token = bearer(call).map(str::to_owned);
        let number = token.as_deref().and_then(|token| self.tokens.number(token));
        let held = self.hold_disregarded(call, token.as_deref());
        let mut admission = Admission {
            entry: self.ledger.open(call, user.as_deref(), number, held),
            token,
            standing: None,
            refusal: None,
            fault: None,
            list,
        };
        self.judge(call, &mut admission);
        if admission.refusal.is_none() {
            admission.fault = self.rules.strike(call.kind, user.as_deref(), id.as_deref());
        }
        admission
    }

    /// Judges the token and the rate limit; the token endpoint knows neither.
    fn judge(&mut self, call: &Call, admission: &mut Admission) {
        if call.kind == Kind::Token {
            return;
        }
        let secret = admission.token.as_deref();
        let good = secret.filter(|secret| self.tokens.good(secret, call.at_ms).is_some());
        let Some(secret) = good else {
            admission.refusal = Some(unauthorized(secret.is_some()));
            return;
        };
        if let Some(limit) = &self.options.limit {
            admission.standing = self.tokens.count(secret, limit, call.at_ms);
            let refused = admission.standing.filter(|standing| !standing.admitted);
            admission.refusal = refused.map(|standing| throttle::refusal(limit, standing));
        }
    }

    /// Whom the request is about, by name and by id, as far as one can tell.
    fn subject(&self, call: &Call, list: Option<&ListQuery>) -> (Option<String>, Option<String>) {
        let id = match (&call.route, list.and_then(|list| list.filter.as_ref())) {
            (Route::User(id) | Route::Password(id) | Route::Sessions(id), _) | (_, Some(Filter::Id(id))) => {
                id
            }
            (_, Some(Filter::UserName(name))) => return (Some(name.clone()), None),
            _ => return (None, None),
        };
        let index = self.store.index(id);
        let name = index.map(|index| self.store.get(index).user_name.clone());
        (name, Some(id.clone()))
    }

    fn hold_disregarded(&self, call: &Call, token: Option<&str>) -> Option<u64> {
        match (call.kind, token) {
            (Kind::Token, _) => self.tokens.disregarded(None, call.at_ms),
            (_, Some(secret)) => self.tokens.disregarded(Some(secret), call.at_ms),
            (_, None) => None,
        }
    }

    /// Everything that happened so far.
    pub(super) fn truth(&self) -> Truth {
        Truth { requests: self.ledger.requests(), users: self.store.all().to_vec(), ..self.ledger.truth() }
    }
}

/// The bearer token of RFC 6750, section 2.1.
fn bearer(call: &Call) -> Option<&str> {
    let (scheme, token) = call.header("authorization")?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// RFC 6750, section 3: the error is named only to who showed a token.
pub(super) fn unauthorized(showed_token: bool) -> Problem {
    let (detail, challenge) = if showed_token {
        ("the token is unknown, expired or revoked", "Bearer realm=\"sandbox\", error=\"invalid_token\"")
    } else {
        ("no bearer token was shown", "Bearer realm=\"sandbox\"")
    };
    Problem::new(401, detail).header("www-authenticate", challenge)
}
