//! Owns reading a script of faults with errors that say which rule is wrong and why, and the demonstration.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use super::action::Action;
use super::canned::StatusReply;
use super::faults::{Fault, On};
use super::truth::Kind;

/// Why a script cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptError(String);

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ScriptError {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Script {
    faults: Vec<Value>,
}

/// Reads a script of faults; its form is described in [`crate::sandbox::faults`].
///
/// # Errors
///
/// When the text is not JSON, or a rule is misspelt or can never strike.
pub fn parse_script(json: &str) -> Result<Vec<Fault>, ScriptError> {
    let script: Script = serde_json::from_str(json)
        .map_err(|error| ScriptError(format!("the script of faults cannot be read: {error}")))?;
    let rules = script.faults.into_iter().zip(1..);
    rules.map(|(value, number)| rule(value, number)).collect()
}

fn rule(value: Value, number: usize) -> Result<Fault, ScriptError> {
    let wrong = |why: String| ScriptError(format!("fault {number}: {why}"));
    let fault: Fault = serde_json::from_value(value).map_err(|error| wrong(error.to_string()))?;
    match objection(&fault) {
        Some(why) => Err(wrong(why)),
        None => Ok(fault),
    }
}

/// What would make a rule never strike, or strike with nonsense.
fn objection(fault: &Fault) -> Option<String> {
    let name = fault.action.name();
    if fault.every == 0 {
        return Some("`every` counts from 1".into());
    }
    if fault.times == Some(0) {
        return Some("`times` 0 never strikes; null is for ever".into());
    }
    if fault.user.is_some() && fault.on == On::Token {
        return Some("the token endpoint does not know a user".into());
    }
    if !Kind::ALL.iter().any(|&kind| fault.on.covers(kind) && fault.action.fits(kind)) {
        return Some(format!("`{name}` cannot happen on such requests"));
    }
    let status = match &fault.action {
        Action::Status(reply) => Some(reply.status),
        Action::Redirect(redirect) => Some(redirect.status),
        Action::StatusAfter(status) => Some(*status),
        Action::Truncate(false) => return Some("`truncate` is true or absent".into()),
        _ => None,
    };
    let bad = status.filter(|status| !(200..=599).contains(status));
    bad.map(|status| format!("{status} is not a final HTTP status"))
}

impl On {
    /// Whether requests of this kind are meant.
    pub(super) fn covers(self, kind: Kind) -> bool {
        match self {
            Self::Lookup => kind == Kind::Lookup,
            Self::Patch => kind == Kind::Patch,
            Self::Token => kind == Kind::Token,
            Self::Config => kind == Kind::Other,
            Self::Scim => kind != Kind::Token,
            Self::Any => true,
        }
    }
}

/// A few hitches on the way: each 17th request has to wait a second, one look-up fails once.
#[must_use]
pub fn demo_faults() -> Vec<Fault> {
    let busy = StatusReply::new(429).retry_after("1");
    let down = StatusReply::new(503);
    vec![Fault::new(On::Lookup, down.into()).skip(4), Fault::new(On::Scim, busy.into()).every(17).forever()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(rule: &str) -> String {
        let script = format!("{{\"faults\":[{{\"on\":\"any\",\"do\":\"html\"}},{rule}]}}");
        parse_script(&script).unwrap_err().to_string()
    }

    #[test]
    fn errors_name_the_rule_and_the_reason() {
        let misspelt = error(r#"{"on":"lookup","do":"wrong_usr"}"#);
        assert!(misspelt.starts_with("fault 2: unknown variant `wrong_usr`"), "{misspelt}");
        assert!(error(r#"{"on":"lookup","tims":1,"do":"html"}"#).contains("unknown field `tims`"));
        assert!(error(r#"{"on":"lookup"}"#).contains("missing field `do`"));
        assert!(error(r#"{"on":"patch","do":"wrong_user"}"#).contains("cannot happen"));
        assert!(error(r#"{"on":"patch","do":{"status":99}}"#).contains("99 is not"));
        assert!(error(r#"{"on":"patch","do":{"status":503,"bdy":1}}"#).contains("`bdy`"));
        assert!(error(r#"{"on":"token","user":"a","do":"html"}"#).contains("know a user"));
        assert!(error(r#"{"on":"any","every":0,"do":"html"}"#).contains("counts from 1"));
        assert!(parse_script("{").unwrap_err().to_string().contains("line 1"));
    }

    #[test]
    fn absent_times_is_once_and_null_is_for_ever() {
        let script = r#"{"faults":[{"on":"any","do":"html"},{"on":"any","times":null,"do":"html"}]}"#;
        let faults = parse_script(script).unwrap();
        assert_eq!((faults[0].times, faults[1].times), (Some(1), None));
        assert_eq!(faults[1], Fault::new(On::Any, Action::Html).forever());
    }
}
