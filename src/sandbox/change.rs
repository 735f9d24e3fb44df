//! Owns what operations do to an account: all of them on a draft, or none.
//!
//! The caller puts the draft in the account's place only if every operation was accepted (RFC 7644,
//! section 3.5.2: a PATCH is atomic).

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::attribute;
use super::options::{Mfa, Options};
use super::patch::{Op, Operation};
use super::path::Path;
use super::policy;
use super::problem::Problem;
use super::schema::Place;
use super::user::User;

/// What a PATCH really changed.
#[derive(Debug, Default)]
pub(super) struct Delta {
    pub(super) password: Option<String>,
    pub(super) mfa: Option<Value>,
    /// Other attributes by path, as they came; null where one was removed.
    pub(super) attributes: Map<String, Value>,
    pub(super) reactivated: bool,
    /// Whether anything was accepted at all: what was dropped silently is no change.
    pub(super) changed: bool,
}

/// Applies all operations to the draft.
pub(super) fn apply(
    draft: &mut User,
    operations: Vec<Operation>,
    options: &Options,
) -> Result<Delta, Problem> {
    let mut delta = Delta::default();
    for operation in operations {
        one(draft, operation, options, &mut delta)?;
    }
    finish(draft, options, &mut delta);
    Ok(delta)
}

/// What every change brings with it.
pub(super) fn finish(draft: &mut User, options: &Options, delta: &mut Delta) {
    if delta.password.is_some() && !draft.active && options.reactivates {
        draft.active = true;
        delta.reactivated = true;
    }
    if delta.changed {
        draft.touch();
    }
}

fn one(
    draft: &mut User,
    mut operation: Operation,
    options: &Options,
    delta: &mut Delta,
) -> Result<(), Problem> {
    match operation.path.place(&options.mfa_path, &options.extra_attributes) {
        Place::Password => password(draft, &operation, options, delta)?,
        Place::UserName => draft.user_name = note(delta, &operation, text(&operation)?),
        Place::Active => draft.active = note(delta, &operation, truth(&operation)?),
        Place::Mfa => return mfa(draft, &operation, options, delta),
        Place::Kept => kept(draft, &operation, delta)?,
        Place::ReadOnly => {
            let detail = format!("{} is read-only", operation.path.name);
            return Err(Problem::new(400, detail).scim_type("mutability"));
        }
        Place::Unknown if options.ignore_unknown_paths => return Ok(()),
        Place::Unknown => return Err(unknown(&operation.path)),
    }
    delta.changed = true;
    Ok(())
}

fn password(
    draft: &mut User,
    operation: &Operation,
    options: &Options,
    delta: &mut Delta,
) -> Result<(), Problem> {
    set_password(draft, text(operation)?, options, delta)
}

/// Sets a password that is not refused.
pub(super) fn set_password(
    draft: &mut User,
    password: String,
    options: &Options,
    delta: &mut Delta,
) -> Result<(), Problem> {
    let now = Timestamp::now();
    policy::judge(draft, &password, options, now)?;
    draft.past_passwords.extend(draft.password.replace(password.clone()));
    if !options.history {
        // Nothing reads them then, and a long rehearsal should not keep them.
        draft.past_passwords.clear();
    }
    draft.password_changed_at = Some(now);
    delta.password = Some(password);
    Ok(())
}

fn mfa(draft: &mut User, operation: &Operation, options: &Options, delta: &mut Delta) -> Result<(), Problem> {
    match options.knows_mfa {
        Mfa::Ignores => return Ok(()),
        Mfa::Refuses => return Err(unknown(&operation.path)),
        Mfa::Stores => {}
    }
    let mut home = Map::new();
    home.extend(draft.mfa.take().map(|mfa| (operation.path.name.clone(), mfa)));
    attribute::change(&mut home, operation)?;
    draft.mfa = home.remove(&operation.path.name);
    if let Some(settings) = &draft.mfa {
        policy::judge_mfa(settings)?;
    }
    delta.mfa = Some(draft.mfa.clone().unwrap_or_default());
    delta.changed = true;
    Ok(())
}

fn kept(draft: &mut User, operation: &Operation, delta: &mut Delta) -> Result<(), Problem> {
    match &operation.path.schema {
        Some(urn) => {
            let extension = draft.attributes.entry(urn.clone());
            let extension = extension.or_insert_with(|| Map::new().into());
            if let Value::Object(members) = extension {
                attribute::change(members, operation)?;
            }
            // Nothing is left of an extension without attributes (RFC 7643, section 2.5).
            draft.attributes.retain(|_, kept| *kept != Value::Object(Map::new()));
        }
        None => attribute::change(&mut draft.attributes, operation)?,
    }
    note(delta, operation, ());
    Ok(())
}

/// Writes the operation down among the attributes changed.
fn note<T>(delta: &mut Delta, operation: &Operation, value: T) -> T {
    let key = operation.path.to_string();
    delta.attributes.insert(key, operation.value.clone());
    value
}

fn text(operation: &Operation) -> Result<String, Problem> {
    match operation.value.as_str() {
        Some(text) if !text.is_empty() && operation.op != Op::Remove => Ok(text.to_owned()),
        _ => Err(invalid(&operation.path, "a text that is not empty")),
    }
}

fn truth(operation: &Operation) -> Result<bool, Problem> {
    let value = operation.value.as_bool();
    value.ok_or_else(|| invalid(&operation.path, "true or false"))
}

fn invalid(path: &Path, wanted: &str) -> Problem {
    Problem::new(400, format!("{} must be {wanted}", path.name)).scim_type("invalidValue")
}

fn unknown(path: &Path) -> Problem {
    Problem::new(400, format!("no attribute is called {path}")).scim_type("invalidPath")
}
