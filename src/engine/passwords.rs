//! Passwords that are made here, and given ones that are not even sent, since the organisation would
//! refuse them.
//!
//! What it asks of passwords is known only when it has been asked, so nothing is made before
//! [`Passwords::settle`].

use crate::domain::email::Email;
use crate::domain::secret::Secret;
use crate::domain::target::{NewPassword, Target};
use crate::passwords::policy::Policy;
use crate::passwords::recipe::{Recipe, Style};

/// What is done about passwords.
#[derive(Debug, Default)]
pub(crate) struct Passwords {
    style: Option<Style>,
    /// Whether given ones are held against the organisation's own policy.
    judges: bool,
    policy: Option<Policy>,
    recipe: Option<Recipe>,
    unknown: bool,
}

impl Passwords {
    /// Passwords of this style for rows that want one; `judges` says whether given ones are held against
    /// the organisation's policy.
    pub(crate) fn new(style: Option<Style>, judges: bool) -> Self {
        Self { style, judges, ..Self::default() }
    }

    /// Takes over what the organisation says; nothing: then what the vendor documents.
    pub(super) fn settle(&mut self, said: Option<&[u8]>) -> Result<(), String> {
        let policy = said.and_then(Policy::of_organization);
        self.unknown = policy.is_none() && (self.judges || self.style.is_some());
        let recipe = |style| Recipe::new(style, policy.unwrap_or(Policy::DOCUMENTED));
        self.recipe = self.style.map(recipe).transpose()?;
        self.policy = policy.filter(|_| self.judges);
        Ok(())
    }

    /// What should be known of it tomorrow.
    pub(super) fn warning(&self) -> Option<String> {
        let words =
            "the organisation does not show what it asks of passwords: the documented policy was taken";
        self.unknown.then(|| words.to_owned())
    }

    /// Why the service would refuse the row's given password.
    pub(super) fn breach(&self, target: &Target) -> Option<String> {
        let (Some(policy), NewPassword::Given(password)) = (&self.policy, &target.password) else {
            return None;
        };
        let breaches = policy.breaches(password);
        (!breaches.is_empty())
            .then(|| format!("password: {}, says the organisation's policy", breaches.join(", ")))
    }

    /// A password for this user alone.
    pub(super) fn make(&mut self, email: &Email) -> Option<Secret> {
        Some(self.recipe.as_mut()?.make(email))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(password: &str) -> Target {
        let email = Email::parse("a@example.com").unwrap();
        let password = NewPassword::Given(Secret::new(password.to_owned()));
        Target { line: 2, email, password, phone: None, attributes: Box::default(), account: None }
    }

    #[test]
    fn given_passwords_are_held_against_what_the_organisation_says_itself() {
        let said = br#"{"passwordRequirements": {"minimumLength": 12}}"#;
        let mut passwords = Passwords::new(None, true);
        passwords.settle(Some(said)).unwrap();
        assert!(passwords.breach(&target("short")).is_some_and(|why| why.contains("12")));
        assert_eq!((passwords.breach(&target("long enough!")), passwords.warning()), (None, None));
        passwords.settle(None).unwrap();
        assert_eq!(passwords.breach(&target("short")), None);
        assert!(passwords.warning().is_some());
    }

    #[test]
    fn what_is_made_meets_the_organisations_policy_or_nothing_is() {
        let mut passwords = Passwords::new(Some(Style::Random), false);
        let email = Email::parse("a@example.com").unwrap();
        assert!(passwords.make(&email).is_none(), "not before it is known");
        let said = br#"{"passwordRequirements": {"minimumLength": 40, "minimumDigits": 9}}"#;
        passwords.settle(Some(said)).unwrap();
        let made = passwords.make(&email).unwrap();
        assert!(made.expose().len() >= 40 && made.expose().chars().filter(char::is_ascii_digit).count() >= 9);
        assert!(passwords.settle(Some(br#"{"passwordRequirements": {"minimumLength": 500}}"#)).is_err());
    }
}
