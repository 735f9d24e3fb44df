//! Owns the way from an admitted request to an answer: the deed, or the fault that struck it.

use std::sync::Arc;

use super::action::{Action, When};
use super::call::Call;
use super::problem::{Problem, oauth_error};
use super::query::ListQuery;
use super::reply::Reply;
use super::tokens::Hold;
use super::truth::Kind;
use super::world::{Admission, World, unauthorized};
use super::{canned, throttle};

/// A reply, and the fault that struck, which may also change how the reply travels.
pub(super) struct Answer {
    pub(super) reply: Reply,
    pub(super) fault: Option<Arc<Action>>,
}

impl World {
    /// Does what is asked, or what the script has in store, and records the answer.
    pub(super) fn answer(&mut self, call: &Call, admission: Admission) -> Answer {
        let token = admission.token.as_deref();
        let result = match (admission.refusal, &admission.fault) {
            (Some(refusal), _) => Err(refusal),
            (None, Some(action)) => self.struck(action, call, token, admission.list),
            (None, None) => self.serve(call, admission.list),
        };
        let reply = result.unwrap_or_else(|problem| self.shaped(problem, call));
        let reply = throttle::with_headers(reply, &self.options, admission.standing);
        let fault = admission.fault;
        let cut = matches!(fault.as_deref(), Some(Action::Reset(_)));
        if !cut {
            self.announce(call, token, &reply);
        }
        let status = if cut { 0 } else { reply.status };
        let name = fault.as_deref().map(Action::name);
        self.ledger.close(admission.entry, status, name);
        Answer { reply, fault }
    }

    fn struck(
        &mut self,
        action: &Action,
        call: &Call,
        token: Option<&str>,
        list: Result<ListQuery, Problem>,
    ) -> Result<Reply, Problem> {
        if let Some(instead) = self.instead(action, token) {
            return instead;
        }
        self.meddle(action, call, list.as_ref().ok());
        let query = list.clone().unwrap_or_default();
        let result = self.serve(call, list.map(|query| twisted(action, query)));
        match action {
            Action::StatusAfter(status) => Err(Problem::new(*status, "something broke on the way")),
            Action::EchoPassword => Ok(self.echoed(result, call)),
            _ => result.map(|reply| self.distorted(action, &query, reply)),
        }
    }

    /// The answers in place of the deed.
    fn instead(&mut self, action: &Action, token: Option<&str>) -> Option<Result<Reply, Problem>> {
        Some(match action {
            Action::Status(reply) => canned::scripted(reply),
            Action::Redirect(to) => Ok(Reply::empty(to.status).header("location", &to.to)),
            Action::Garbage => Ok(canned::garbage()),
            Action::Html => Ok(canned::login_page()),
            Action::Deep(depth) => Ok(canned::deep(*depth)),
            Action::Huge(_) | Action::Reset(When::Before) => Ok(Reply::empty(200)),
            Action::RevokeTokens => {
                self.tokens.revoke_all();
                Err(unauthorized(true))
            }
            Action::ExpireToken => {
                self.tokens.revoke(token.unwrap_or(""));
                Err(unauthorized(true))
            }
            Action::RateLimitExceeded => Ok(oauth_error(
                400,
                "invalid_request",
                "rate limit exceeded; too many token requests, try again later",
            )),
            _ => return None,
        })
    }

    /// What somebody else does to the account just before. No change of the client's, so none is
    /// recorded as applied.
    fn meddle(&mut self, action: &Action, call: &Call, list: Option<&ListQuery>) {
        if !matches!(action, Action::Deactivate | Action::BumpVersion | Action::Rename(_)) {
            return;
        }
        for index in self.meant(call, list) {
            let mut user = self.store.get(index).clone();
            user.active &= !matches!(action, Action::Deactivate);
            if let Action::Rename(name) = action {
                user.user_name.clone_from(name);
            }
            user.touch();
            self.store.replace(index, user);
        }
    }

    /// The reply that a problem becomes; the token endpoint has errors of its own shape.
    fn shaped(&self, problem: Problem, call: &Call) -> Reply {
        if call.kind == Kind::Token {
            problem.oauth_reply()
        } else {
            problem.reply(self.options.error_shape, &call.correlation)
        }
    }

    /// Remembers how long the reply obliges its receiver to wait.
    fn announce(&mut self, call: &Call, token: Option<&str>, reply: &Reply) {
        let Some(wait_ms) = throttle::announced_ms(reply) else {
            return;
        };
        let announced_ms = self.now_ms();
        let until_ms = announced_ms.saturating_add(wait_ms);
        let hold = Hold { announced_ms, until_ms };
        match (call.kind, token) {
            (Kind::Token, _) => self.tokens.announce(None, hold),
            (_, Some(secret)) => self.tokens.announce(Some(secret), hold),
            (_, None) => {}
        }
    }
}

fn twisted(action: &Action, mut query: ListQuery) -> ListQuery {
    match action {
        Action::IgnoreFilter => query.filter = None,
        Action::IgnoreStartIndex => query.start = 1,
        _ => {}
    }
    query
}
