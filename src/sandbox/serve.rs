//! Owns the dispatch: which endpoint answers which request, and what a body may be.

use axum::http::Method;

use super::call::{Call, Route};
use super::discovery;
use super::oauth;
use super::problem::Problem;
use super::query::ListQuery;
use super::reply::Reply;
use super::world::World;

impl World {
    /// Does what the request asks for, and answers.
    pub(super) fn serve(&mut self, call: &Call, list: Result<ListQuery, Problem>) -> Result<Reply, Problem> {
        match (&call.route, &call.method) {
            (Route::Token, &Method::POST) => Ok(oauth::answer(call, &self.options, &mut self.tokens)),
            (Route::Users, &Method::GET) => Ok(self.list(&list?)),
            (Route::User(id), &Method::GET) => self.read(id, call),
            (Route::User(id), &Method::PATCH) => self.patch(id, call),
            (Route::ServiceProviderConfig, &Method::GET) => Ok(self.provider_config()),
            (Route::Schemas(None), &Method::GET) => Ok(self.schemas()),
            (Route::Schemas(Some(urn)), &Method::GET) => self.schema(urn),
            (Route::ResourceTypes, &Method::GET) => Ok(discovery::list(&[self.user_type()])),
            (Route::UserType, &Method::GET) => Ok(Reply::scim(self.user_type())),
            (Route::TokensMe, &Method::GET) => Ok(self.tokens_me()),
            (Route::Password(id), &Method::POST) => self.set_password(id, call),
            (Route::Sessions(id), &Method::DELETE) => self.end_sessions(id),
            (Route::AuthenticationSettings, &Method::GET) => self.authentication_settings(),
            (Route::Nowhere | Route::Control(_), _) => Err(Problem::new(404, "no such endpoint")),
            (route, _) => Err(Problem::new(405, "no such method here").header("allow", allow(route))),
        }
    }
}

const fn allow(route: &Route) -> &'static str {
    match route {
        Route::Token | Route::Password(_) => "POST",
        Route::Sessions(_) => "DELETE",
        Route::User(_) => "GET, PATCH",
        _ => "GET",
    }
}

/// The body of a change, if it is declared as one (RFC 7644, section 3.1).
pub(super) fn scim_body(call: &Call) -> Result<&[u8], Problem> {
    match call.media_type().as_deref() {
        Some("application/scim+json" | "application/json") => {}
        _ => return Err(Problem::new(415, "the body must be application/scim+json")),
    }
    let body = call.body.as_deref();
    body.ok_or_else(|| Problem::new(413, "the body is too long or broke off"))
}
