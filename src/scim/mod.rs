//! Everything that speaks to the service.
//!
//! * [`http`]: one request, one reply, nothing followed, nothing read beyond its cap
//! * [`wire`]: the JSON of RFC 7644 and of the vendor, read by shape
//! * [`shown`]: what the reply to a PATCH shows
//! * [`listing`]: a page of users, as it stands
//! * [`echo`]: whether a name in a reply shows a secret that was sent
//! * [`identity`]: who a look-up found; the only maker of a [`identity::Ready`]
//! * [`retry`]: what an answer means for a request, as a pure function
//! * [`breaker`]: when the service counts as down
//! * [`tempo`]: the pace that the service turns out to allow
//! * [`pacer`]: when a request may leave and with which token; the one place that waits
//! * [`chance`]: the jitter of back-offs
//! * [`auth`]: a token, fetched once however many wait for it
//! * [`keyring`]: the tokens of one client
//! * [`exchange`]: one request's way through all of these
//! * [`organization`]: whose the token is
//! * [`inquiry`]: what the service says of itself, asked before a run
//! * [`schemas`]: the attributes it says it has
//! * [`directory`]: the list of all users, where that costs less than looking up each
//! * [`endings`]: what a request that did not go well means for its row
//! * [`client`]: the two things a row needs: find and write

pub(crate) mod auth;
pub(crate) mod breaker;
pub(crate) mod chance;
pub(crate) mod client;
pub(crate) mod directory;
pub(crate) mod echo;
mod endings;
pub(crate) mod exchange;
pub(crate) mod http;
pub(crate) mod identity;
pub(crate) mod inquiry;
pub(crate) mod keyring;
pub(crate) mod listing;
pub(crate) mod organization;
pub(crate) mod pacer;
pub(crate) mod platform;
pub(crate) mod retry;
pub(crate) mod schemas;
pub(crate) mod shown;
pub(crate) mod tempo;
pub(crate) mod wire;
