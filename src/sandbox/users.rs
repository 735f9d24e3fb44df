//! Owns the endpoints of users: look up (RFC 7644, section 3.4) and change (section 3.5.2).

use serde_json::{Value, json};

use super::call::Call;
use super::change::{self, Delta};
use super::options::{PatchReply, StaleMatch};
use super::patch;
use super::problem::Problem;
use super::projection::Projection;
use super::query::{Filter, ListQuery};
use super::reply::Reply;
use super::truth::Applied;
use super::user::User;
use super::world::World;

impl World {
    /// `GET /Users`
    pub(super) fn list(&mut self, query: &ListQuery) -> Reply {
        let found = self.matching(query.filter.as_ref());
        let page = found.iter().skip(query.start - 1).take(query.count);
        let resources: Vec<Value> = page
            .map(|&index| {
                let mut resource = self.resource(index);
                query.projection.apply(&mut resource);
                resource
            })
            .collect();
        Reply::scim(json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
            "totalResults": found.len(),
            "startIndex": query.start,
            "itemsPerPage": resources.len(),
            "Resources": resources,
        }))
    }

    /// Without a filter only active users are listed, as the vendor documents.
    fn matching(&mut self, filter: Option<&Filter>) -> Vec<usize> {
        let hide = self.options.hide_inactive || filter.is_none();
        let mut found = match filter {
            Some(Filter::UserName(name)) => self.store.find(name),
            Some(Filter::Id(id)) => self.store.index(id).into_iter().collect(),
            None => self.store.listed().collect(),
        };
        found.retain(|&index| !hide || self.store.get(index).active);
        found
    }

    /// `GET /Users/{id}`
    pub(super) fn read(&self, id: &str, call: &Call) -> Result<Reply, Problem> {
        let index = self.store.index(id).ok_or_else(|| not_found(id))?;
        Ok(self.shown(index, call))
    }

    /// `PATCH /Users/{id}`
    pub(super) fn patch(&mut self, id: &str, call: &Call) -> Result<Reply, Problem> {
        let index = self.store.index(id).ok_or_else(|| not_found(id))?;
        let operations = patch::parse(super::serve::scim_body(call)?)?;
        self.judge_match(self.store.get(index), call.header("if-match"))?;
        let mut draft = self.store.get(index).clone();
        let delta = change::apply(&mut draft, operations, &self.options)?;
        if self.store.taken_by_other(&draft.user_name, index) {
            return Err(Problem::new(409, "the userName is taken").scim_type("uniqueness"));
        }
        if delta.changed {
            self.record(&draft, delta);
            self.store.replace(index, draft);
        }
        Ok(match self.options.patch_reply {
            PatchReply::Body => self.shown(index, call),
            PatchReply::NoContent => self.tagged(index, Reply::empty(204)),
        })
    }

    /// Compares the opaque tags only: the strong comparison that RFC 9110, section 13.1.1 asks for
    /// would never match the weak tags that RFC 7644, section 3.14 sends.
    fn judge_match(&self, user: &User, header: Option<&str>) -> Result<(), Problem> {
        let Some(header) = header.filter(|_| self.options.etag) else {
            return Ok(());
        };
        let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
        let wanted = opaque(&user.etag());
        if header.split(',').any(|tag| tag.trim() == "*" || opaque(tag) == wanted) {
            return Ok(());
        }
        let stale = |status| Problem::new(status, "the user was changed in the meantime");
        Err(match self.options.stale_match {
            StaleMatch::PreconditionFailed => stale(412),
            StaleMatch::InvalidVers => stale(400).scim_type("invalidVers"),
            StaleMatch::Conflict => stale(409),
        })
    }

    pub(super) fn record(&mut self, user: &User, delta: Delta) {
        let at_ms = self.now_ms();
        self.ledger.applied(Applied {
            seq: 0,
            at_ms,
            user_id: user.id.clone(),
            user_name: user.user_name.clone(),
            password: delta.password,
            mfa: delta.mfa,
            attributes: delta.attributes,
            reactivated: delta.reactivated,
            version: user.version,
        });
    }

    fn shown(&self, index: usize, call: &Call) -> Reply {
        let mut resource = self.resource(index);
        Projection::parse(call.query()).apply(&mut resource);
        self.tagged(index, Reply::scim(resource))
    }

    fn tagged(&self, index: usize, reply: Reply) -> Reply {
        if self.options.etag { reply.header("etag", &self.store.get(index).etag()) } else { reply }
    }

    pub(super) fn resource(&self, index: usize) -> Value {
        self.store.get(index).resource(&self.scim_base, &self.options)
    }
}

pub(super) fn not_found(id: &str) -> Problem {
    Problem::new(404, format!("Resource {id} not found"))
}
