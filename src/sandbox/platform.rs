//! Owns the endpoints of the vendor's platform API that stand beside the SCIM ones: a password by itself, the
//! end of a user's sessions, and what the organisation asks of passwords.

use serde::Deserialize;
use serde_json::json;

use super::call::Call;
use super::change::{self, Delta};
use super::problem::Problem;
use super::reply::{JSON, Reply};
use super::serve::scim_body;
use super::users::not_found;
use super::world::World;

#[derive(Deserialize)]
struct NewPassword {
    #[serde(rename = "newPassword")]
    new_password: String,
}

impl World {
    /// `POST /api/v2/users/{id}/password`
    pub(super) fn set_password(&mut self, id: &str, call: &Call) -> Result<Reply, Problem> {
        let index = self.store.index(id).ok_or_else(|| not_found(id))?;
        let unread = |_| Problem::new(400, "the body is not {newPassword}");
        let NewPassword { new_password } = serde_json::from_slice(scim_body(call)?).map_err(unread)?;
        if new_password.is_empty() {
            return Err(Problem::new(400, "newPassword is empty"));
        }
        let mut draft = self.store.get(index).clone();
        let mut delta = Delta { changed: true, ..Delta::default() };
        change::set_password(&mut draft, new_password, &self.options, &mut delta)?;
        change::finish(&mut draft, &self.options, &mut delta);
        self.record(&draft, delta);
        self.store.replace(index, draft);
        Ok(Reply::empty(204))
    }

    /// `DELETE /api/v2/tokens/{userId}`
    pub(super) fn end_sessions(&mut self, id: &str) -> Result<Reply, Problem> {
        self.store.index(id).ok_or_else(|| not_found(id))?;
        self.ledger.sessions_ended(id);
        Ok(Reply::empty(200))
    }

    /// `GET /api/v2/organizations/authentication/settings`
    pub(super) fn authentication_settings(&self) -> Result<Reply, Problem> {
        let requirements = self.options.password_requirements.as_ref();
        let requirements =
            requirements.ok_or_else(|| Problem::new(403, "the right to view it is missing"))?;
        Ok(Reply::json(200, JSON, json!({"passwordRequirements": requirements})))
    }
}
