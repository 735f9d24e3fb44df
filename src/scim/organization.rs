//! Which organisation the token belongs to, as the vendor's platform API says it
//! (`GET /api/v2/tokens/me`): what somebody wants to see before five thousand passwords change.

use reqwest::Method;
use serde::Deserialize;

use super::client::Client;
use super::exchange::Fault;
use super::retry::Op;
use crate::domain::event::Trail;
use crate::domain::stop::Halt;
use crate::domain::text::clean;

/// Longest name that is shown.
const MOST: usize = 80;

/// An organisation of the vendor's, by its own words, cleaned for a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Organization {
    /// Its name.
    pub(crate) name: String,
    /// Its id; empty where the service shows none.
    pub(crate) id: String,
}

#[derive(Deserialize)]
struct TokensMe {
    organization: Option<Shown>,
    #[serde(rename = "homeOrganization")]
    home: Option<Shown>,
}

#[derive(Deserialize)]
struct Shown {
    name: String,
    #[serde(default)]
    id: String,
}

impl Client {
    /// Asks which organisation the token belongs to. Nothing where the service has no such API beside its
    /// SCIM one, or would not say.
    pub(crate) async fn organization(&self) -> Result<Option<Organization>, Halt> {
        let request = self.platform().request(Method::GET, format_args!("tokens/me"), Vec::new());
        let Some(request) = request else { return Ok(None) };
        match self.exchange().send(Op::Read, 0, &request, &mut Trail::default()).await {
            Ok(reply) if reply.status == 200 => Ok(reply.bytes().and_then(organization)),
            Err(Fault::Halt(halt)) => Err(halt),
            Ok(_) | Err(_) => Ok(None),
        }
    }
}

fn organization(body: &[u8]) -> Option<Organization> {
    let TokensMe { organization, home } = serde_json::from_slice(body).ok()?;
    let Shown { name, id } = organization.or(home)?;
    let name = clean(name.trim(), MOST);
    (!name.is_empty()).then(|| Organization { name, id: clean(&id, MOST) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_organisation_is_named_in_its_own_words_and_drives_no_terminal() {
        let body =
            br#"{"organization":{"id":"1","name":" Example\u001b[2J Ltd "},"homeOrganization":{"name":"x"}}"#;
        let expected = Organization { name: "Example[2J Ltd".into(), id: "1".into() };
        assert_eq!(organization(body), Some(expected));
        let home = organization(br#"{"homeOrganization":{"name":"Home"}}"#).unwrap();
        assert_eq!((home.name.as_str(), home.id.as_str()), ("Home", ""));
        for nothing in [&b"{}"[..], b"[]", br#"{"organization":{"name":" "}}"#, b"<html>"] {
            assert_eq!(organization(nothing), None);
        }
    }
}
