//! Owns the script of faults: what may go wrong, when, and how it is written down.
//!
//! A script is a JSON object with one list of rules. For each request the rules are tried in order,
//! and the first that matches and still has something left to do decides; later rules do not see
//! the request. The same requests in the same order always meet the same faults. Requests that are
//! refused for their token (401) or by the rate limit (429) never reach the script.
//!
//! ```json
//! {"faults": [
//!   {"on": "patch", "user": "ann@example.com", "skip": 1, "times": 2, "do": {"reset": "after"}},
//!   {"on": "scim", "every": 17, "times": null, "do": {"status": 429, "retry_after": "1"}}
//! ]}
//! ```
//!
//! | member | means | default |
//! |---|---|---|
//! | `on` | `lookup` (GET of users), `patch`, `token`, `config` (every other endpoint), `scim` (all but `token`), `any` | – |
//! | `user` | only requests about this `userName` (ASCII case aside) or id; of `config` only the end of sessions is about one | any user |
//! | `skip` | let so many matching requests pass first | 0 |
//! | `every` | of those after, strike each such one: 7 is the 7th, the 14th … | 1 |
//! | `times` | strike so often, then never again; `null` is for ever | 1 |
//! | `do` | one action | – |
//!
//! | action | what happens |
//! |---|---|
//! | `{"status": 503, "retry_after": "1", "headers": {"Name": "value or list of values"}, "body": …}` | answered so, nothing done; a body that is a string is sent as text, without one the configured error |
//! | `{"redirect": "http://…", "status": 307}` | sent elsewhere |
//! | `{"wait_ms": 500}` | waits, then goes on as usual, even if the client has hung up by then |
//! | `{"wait_after_ms": 500}` | does as usual at once, answers late |
//! | `{"reset": "before"}` | TCP RST, nothing done |
//! | `{"reset": "after"}` | does as usual, then TCP RST instead of an answer |
//! | `{"status_after": 502}` | does as usual, answers with that status |
//! | `{"truncate": true}` | does as usual, announces the whole body, sends half, closes |
//! | `{"drip_ms": 5000}` | one byte of the answer in that time |
//! | `{"drip_body_ms": 5000}` | the head at once, then one byte of the body in that time |
//! | `{"huge": 67108864}` | 200 and that many bytes of JSON, chunked |
//! | `{"deep": 100000}` | 200 and JSON nested so deep |
//! | `"garbage"`, `"html"` | 200 and something that is not JSON, or a log-in page |
//! | `"revoke_tokens"` | all tokens are void from now; answered 401 |
//! | `"expire_token"` | this request's token is void from now; answered 401 |
//! | `"rate_limit_exceeded"` | token endpoint: the vendor's own limit, a 400 |
//! | `"wrong_user"` | look-up: somebody else, once |
//! | `"two_users"`, `"same_user_twice"` | look-up: a second account of that name, or the same again |
//! | `"no_id"` | look-up: the account without its id |
//! | `{"raw_user_name": …}` | look-up: one account whose `userName` is that JSON value |
//! | `{"total_results": 2}` | look-up: a lie about `totalResults` |
//! | `"ignore_filter"`, `"ignore_start_index"` | look-up: the whole list, or always its first page |
//! | `"deactivate"` | look-up or PATCH: somebody deactivates the account just before |
//! | `{"rename": "new@example.com"}` | look-up or PATCH: somebody gives the account another name just before |
//! | `"bump_version"` | PATCH: somebody changes the account just before |
//! | `"other_id"` | PATCH: done as usual, the reply speaks of another account |
//! | `"echo_password"` | PATCH: done as usual, the reply or the error shows the password sent |

use serde::Deserialize;

use super::action::{self, Action};

/// One rule of the script.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Which requests.
    pub on: On,
    /// Only those about this user.
    #[serde(default)]
    pub user: Option<String>,
    /// Let so many pass first.
    #[serde(default)]
    pub skip: u64,
    /// Of those after, strike each such one.
    #[serde(default = "one")]
    pub every: u64,
    /// Strike so often; nothing is for ever.
    #[serde(default = "once")]
    pub times: Option<u64>,
    /// What happens.
    #[serde(rename = "do", deserialize_with = "action::named")]
    pub action: Action,
}

impl Fault {
    /// A fault that strikes the first matching request.
    #[must_use]
    pub fn new(on: On, action: Action) -> Self {
        let (user, skip, every, times) = (None, 0, 1, Some(1));
        Self { on, user, skip, every, times, action }
    }

    /// The same fault for requests about one user only.
    #[must_use]
    pub fn user(mut self, name: impl Into<String>) -> Self {
        self.user = Some(name.into());
        self
    }

    /// The same fault after so many matching requests.
    #[must_use]
    pub fn skip(mut self, requests: u64) -> Self {
        self.skip = requests;
        self
    }

    /// The same fault for each such request only.
    #[must_use]
    pub fn every(mut self, nth: u64) -> Self {
        self.every = nth.max(1);
        self
    }

    /// The same fault so many times.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// The same fault for ever.
    #[must_use]
    pub fn forever(mut self) -> Self {
        self.times = None;
        self
    }
}

/// Which requests a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum On {
    /// GET of users.
    Lookup,
    /// PATCH of a user.
    Patch,
    /// The token endpoint.
    Token,
    /// Every other endpoint.
    Config,
    /// All but the token endpoint.
    Scim,
    /// All.
    Any,
}

const fn one() -> u64 {
    1
}

#[expect(clippy::unnecessary_wraps, reason = "the default of an optional member")]
const fn once() -> Option<u64> {
    Some(1)
}
