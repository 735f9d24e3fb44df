//! Owns which values are refused: passwords by policy, age and history, and malformed MFA settings.
//!
//! The password itself never appears in a refusal.

use jiff::{SignedDuration, Timestamp, Unit};
use serde_json::Value;

use super::options::Options;
use super::problem::Problem;
use super::user::User;

/// Judges a new password for this account.
pub(super) fn judge(user: &User, password: &str, options: &Options, now: Timestamp) -> Result<(), Problem> {
    if user.refuses_passwords {
        return refuse("password does not meet the policy");
    }
    if let Some(until) = locked_until(user, options).filter(|&until| until > now) {
        return refuse(format!("password cannot be changed until {}", whole_second(until)));
    }
    let known = user.password.iter().chain(&user.past_passwords);
    if options.history && known.into_iter().any(|old| old == password) {
        return refuse("password was used before");
    }
    Ok(())
}

fn refuse(detail: impl Into<String>) -> Result<(), Problem> {
    Err(Problem::new(400, detail).scim_type("invalidValue"))
}

/// The later of the account's own lock and the service's minimum age.
fn locked_until(user: &User, options: &Options) -> Option<Timestamp> {
    let age = i64::try_from(options.min_password_age_s).unwrap_or(i64::MAX);
    let age = SignedDuration::from_secs(age);
    let by_age = user.password_changed_at.map(|at| at.checked_add(age).unwrap_or(Timestamp::MAX));
    by_age.max(user.password_locked_until)
}

/// Rounded up, so that who comes back at the instant told is not too early.
fn whole_second(instant: Timestamp) -> Timestamp {
    let up = jiff::TimestampRound::new().smallest(Unit::Second).mode(jiff::RoundMode::Ceil);
    instant.round(up).unwrap_or(instant)
}

/// Judges MFA settings: `enabled` a truth value, `mfaType` a text, `phoneNumber` as in E.164.
pub(super) fn judge_mfa(settings: &Value) -> Result<(), Problem> {
    let good = match settings {
        Value::Object(members) => members.iter().all(|(name, value)| member(name, value)),
        _ => false,
    };
    if good {
        return Ok(());
    }
    let detail = "MFA settings are {enabled: boolean, mfaType: string, phoneNumber: E.164}";
    Err(Problem::new(400, detail).scim_type("invalidValue"))
}

fn member(name: &str, value: &Value) -> bool {
    match name {
        "enabled" => value.is_boolean(),
        "mfaType" => value.as_str().is_some_and(|text| !text.is_empty()),
        "phoneNumber" => value.as_str().is_some_and(e164),
        _ => true,
    }
}

fn e164(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len())
            && digits.bytes().all(|digit| digit.is_ascii_digit())
            && !digits.starts_with('0')
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_lock_is_told_in_whole_seconds_rounded_up() {
        let now: Timestamp = "2030-01-02T03:04:05.6Z".parse().unwrap();
        let user = User::new("a@example.com").changed_at(now);
        let options = Options { min_password_age_s: 60, ..Options::default() };
        let problem = judge(&user, "x", &options, now).unwrap_err();
        assert_eq!(problem.detail, "password cannot be changed until 2030-01-02T03:05:06Z");
        assert!(judge(&user, "x", &options, now + SignedDuration::from_secs(60)).is_ok());
    }

    #[test]
    fn mfa_settings_have_a_form() {
        let good = json!({"enabled": true, "mfaType": "phone", "phoneNumber": "+15550100199"});
        assert!(judge_mfa(&good).is_ok());
        for bad in [
            json!(true),
            json!({"enabled": "true"}),
            json!({"mfaType": ""}),
            json!({"phoneNumber": "15550100199"}),
            json!({"phoneNumber": "+0555010019"}),
        ] {
            assert!(judge_mfa(&bad).is_err(), "{bad}");
        }
    }
}
