//! Owns the naming convention of the on-demand directory: what an address makes of its account.
//!
//! The first word of the local part decides. Words end at `.`, `-`, `+` or `_`; digits at the end
//! of the word do not count, so `missing17@example.com` is as missing as `missing.person@example.com`.
//!
//! | first word | the account |
//! |---|---|
//! | `missing` | does not exist |
//! | `inactive` | exists, `active` is false |
//! | `twins` | two accounts bear the name |
//! | `stranger` | the look-up answers with somebody else |
//! | `recent` | its password was changed a moment ago: 400 "password cannot be changed until T" |
//! | `refused` | no password meets the policy: 400 `invalidValue` |
//! | anything else | exists and takes what it is told |
//!
//! What is not a well-formed address does not exist.

use jiff::{SignedDuration, Timestamp};

use super::ids;
use super::user::User;

/// How long the password of a `recent` account stays locked.
const RECENT_LOCK: SignedDuration = SignedDuration::from_hours(24);

/// The accounts that answer to this address: none, one or two.
pub(super) fn accounts(address: &str, key: &str) -> Vec<User> {
    if !well_formed(address) {
        return Vec::new();
    }
    let user = User::new(address).id(ids::derived(key));
    match first_word(address).as_str() {
        "missing" => Vec::new(),
        "inactive" => vec![user.inactive()],
        "twins" => vec![user, User::new(address).id(ids::derived(&twin(key)))],
        "stranger" => vec![User::new(somebody_else(address)).id(user.id)],
        "recent" => vec![recent(user)],
        "refused" => vec![user.refusing()],
        _ => vec![user],
    }
}

/// The address of another person of the same domain.
pub(super) fn somebody_else(address: &str) -> String {
    let domain = address.rsplit_once('@').map_or("example.com", |(_, d)| d);
    format!("somebody.else@{domain}")
}

fn twin(key: &str) -> String {
    format!("twin of {key}")
}

fn recent(user: User) -> User {
    let now = Timestamp::now();
    user.changed_at(now).locked_until(now + RECENT_LOCK)
}

fn first_word(address: &str) -> String {
    let word = address.split(['.', '-', '+', '_', '@']).next().unwrap_or("");
    word.trim_end_matches(|c: char| c.is_ascii_digit()).to_ascii_lowercase()
}

/// Stricter than RFC 5321 (no quoted local parts), so that a broken filter finds nobody.
fn well_formed(address: &str) -> bool {
    let Some((local, domain)) = address.split_once('@') else {
        return false;
    };
    let odd = |c: char| c.is_whitespace() || c.is_control() || "()<>[]:;,\\\"@".contains(c);
    let label = |label: &str| !label.is_empty() && label.chars().all(|c| c == '-' || c.is_alphanumeric());
    !local.is_empty() && !local.contains(odd) && domain.contains('.') && domain.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(address: &str) -> Vec<User> {
        accounts(address, address)
    }

    #[test]
    fn the_first_word_decides() {
        assert_eq!(names("ann@example.com").len(), 1);
        assert_eq!(names("missing.person@example.com").len(), 0);
        assert_eq!(names("Missing17@example.com").len(), 0);
        assert_eq!(names("missinglink@example.com").len(), 1);
        assert!(!names("inactive+x@example.com")[0].active);
        assert!(names("refused_9@example.com")[0].refuses_passwords);
        assert!(names("recent-1@example.com")[0].password_locked_until.is_some());
        assert_eq!(names("stranger@example.com")[0].user_name, "somebody.else@example.com");
        let twins = names("twins@example.com");
        assert_eq!(twins[0].user_name, twins[1].user_name);
        assert_ne!(twins[0].id, twins[1].id);
    }

    #[test]
    fn what_is_no_address_is_nobody() {
        for text in ["", "ann", "@example.com", "a@", "a@b", "a b@example.com", "a@b@example.com"] {
            assert!(names(text).is_empty(), "{text}");
        }
    }
}
