//! What the organisation asks of passwords, and whether those of the run would do.

use super::Known;
use super::finding::{Finding, Findings};
use super::there::unheard;
use crate::cli::RunArgs;
use crate::commands::run::style;
use crate::domain::text::count;
use crate::passwords::policy::Policy;
use crate::passwords::recipe::Recipe;
use crate::scim::client::Client;

const CHECK: &str = "password-policy";

/// Asks for the policy, and holds the passwords against it.
pub(super) async fn check(
    args: &RunArgs,
    client: &Client,
    has_platform: bool,
    known: &mut Known,
    found: &mut Findings<'_>,
) {
    if !has_platform {
        let why = "only the vendor's platform API could say, and there is none";
        return found.push(Finding::not_checked(CHECK, why));
    }
    match client.settings().await.map(|said| Policy::of_organization(&said)) {
        Ok(Some(policy)) => found.extend(held_against(args, &policy, known)),
        Ok(None) => found.push(Finding::warning(
            CHECK,
            "the organisation does not show what it asks of passwords",
            "the documented policy is taken instead",
        )),
        Err(why) => {
            let advice = "the documented policy is taken instead; the right to view the organisation's \
                          authentication settings would show its own";
            found.push(unheard(CHECK, &why, advice));
        }
    }
}

fn held_against(args: &RunArgs, policy: &Policy, known: &mut Known) -> Vec<Finding> {
    let mut found = vec![Finding::ok(CHECK, wanted(policy))];
    if args.input.generate_passwords
        && let Err(why) = Recipe::new(style(args), *policy)
    {
        let advice = "make passwords in another way (--words, --readable), or change the policy";
        // What a run leaves with when nothing can be made.
        found.push(Finding::failed(CHECK, 78, why, advice));
    }
    let given = known.given.as_mut().filter(|given| given.has_passwords());
    if let Some((rows, lines)) = given.and_then(|given| given.short_of(policy)) {
        let words = format!("the passwords of {} fall short of it (line {lines})", count(rows, "row"));
        let advice = "give others; --password-policy organization sends none of these";
        found.push(Finding::warning(CHECK, words, advice));
    }
    found
}

/// The policy in words.
fn wanted(policy: &Policy) -> String {
    let classes = [
        (policy.min_letters, "letter"),
        (policy.min_upper, "capital letter"),
        (policy.min_lower, "small letter"),
        (policy.min_digits, "digit"),
        (policy.min_specials, "special character"),
    ];
    let classes = classes.into_iter().filter(|(wanted, _)| *wanted > 0);
    let classes = classes.map(|(wanted, class)| count(wanted.into(), class));
    let length = count(policy.min_length.into(), "character");
    std::iter::once(format!("at least {length}")).chain(classes).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_told_in_numbers() {
        let policy = Policy { min_letters: 0, min_upper: 0, min_digits: 2, ..Policy::DOCUMENTED };
        assert_eq!(wanted(&policy), "at least 8 characters, 1 small letter, 2 digits, 1 special character");
    }
}
