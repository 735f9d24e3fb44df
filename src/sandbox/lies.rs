//! Owns replies that lie: about who was found, how many there are, whose change it was.
//!
//! The strangers they name are real accounts, so that a client that falls for the lie changes
//! somebody, and the truth shows whom.

use serde_json::{Value, json};

use super::action::Action;
use super::call::{Call, Route};
use super::naming;
use super::patch;
use super::problem::Problem;
use super::query::{Filter, ListQuery};
use super::reply::{Content, Reply};
use super::world::World;

impl World {
    /// The accounts that the request means, created now if the directory is on demand.
    pub(super) fn meant(&mut self, call: &Call, list: Option<&ListQuery>) -> Vec<usize> {
        let id = match (&call.route, list.and_then(|list| list.filter.as_ref())) {
            (Route::User(id), _) | (_, Some(Filter::Id(id))) => id,
            (_, Some(Filter::UserName(name))) => return self.store.find(name),
            _ => return Vec::new(),
        };
        self.store.index(id).into_iter().collect()
    }

    /// The reply, distorted as the action has it.
    pub(super) fn distorted(&mut self, action: &Action, query: &ListQuery, mut reply: Reply) -> Reply {
        let Content::Json(body) = &mut reply.content else {
            return self.distorted_empty(action, reply);
        };
        match action {
            Action::OtherId => body["id"] = self.other_id(),
            Action::TotalResults(total) => body["totalResults"] = (*total).into(),
            _ if body.get("Resources").is_some() => self.distort_list(action, query, body),
            _ if body.get("userName").is_some() => {
                let mut one = vec![body.take()];
                self.distort(action, query, &mut one);
                *body = one.swap_remove(0);
            }
            _ => {}
        }
        reply
    }

    /// A 204 shows no id to falsify, so it becomes a 200 that does.
    fn distorted_empty(&mut self, action: &Action, reply: Reply) -> Reply {
        match action {
            Action::OtherId => Reply::scim(json!({"id": self.other_id()})),
            _ => reply,
        }
    }

    fn other_id(&mut self) -> Value {
        let index = self.store.decoy("somebody.else@example.com");
        self.store.get(index).id.clone().into()
    }

    fn distort_list(&mut self, action: &Action, query: &ListQuery, body: &mut Value) {
        let Value::Array(mut resources) = body["Resources"].take() else {
            return;
        };
        let before = resources.len();
        self.distort(action, query, &mut resources);
        let total = body["totalResults"].as_u64().unwrap_or(0);
        let added = u64::try_from(resources.len().saturating_sub(before)).unwrap_or(0);
        body["totalResults"] = (total + added).into();
        body["itemsPerPage"] = resources.len().into();
        body["Resources"] = resources.into();
    }

    fn distort(&mut self, action: &Action, query: &ListQuery, resources: &mut Vec<Value>) {
        let asked = match (&query.filter, resources.first()) {
            (Some(Filter::UserName(name)), _) => name.clone(),
            (_, first) => {
                first.and_then(|user| user["userName"].as_str()).unwrap_or("nobody@example.com").to_owned()
            }
        };
        match action {
            Action::WrongUser => {
                let stranger = self.decoy(&naming::somebody_else(&asked), query);
                *resources = vec![stranger];
            }
            Action::TwoUsers => resources.push(self.decoy(&asked, query)),
            Action::SameUserTwice => resources.extend(resources.first().cloned()),
            Action::NoId => resources.iter_mut().for_each(without_id),
            Action::RawUserName(name) => {
                let found = resources.drain(..).next();
                let mut user = found.unwrap_or_else(|| self.decoy(&asked, query));
                user["userName"] = name.clone();
                resources.push(user);
            }
            _ => {}
        }
    }

    fn decoy(&mut self, name: &str, query: &ListQuery) -> Value {
        let index = self.store.decoy(name);
        let mut resource = self.resource(index);
        query.projection.apply(&mut resource);
        resource
    }

    /// The reply or the refusal, giving the password away that the request carried.
    pub(super) fn echoed(&self, result: Result<Reply, Problem>, call: &Call) -> Reply {
        let body = call.body.as_deref().unwrap_or_default();
        let password = patch::password_in(body).unwrap_or_default();
        let mut reply = match result {
            Ok(reply) => reply,
            Err(mut problem) => {
                problem.detail = format!("{}: {password}", problem.detail);
                problem.reply(self.options.error_shape, &call.correlation)
            }
        };
        match &mut reply.content {
            Content::Json(body) => body["password"] = password.into(),
            _ => reply = Reply::scim(json!({"password": password})),
        }
        reply
    }
}

fn without_id(user: &mut Value) {
    if let Value::Object(members) = user {
        members.remove("id");
    }
}
