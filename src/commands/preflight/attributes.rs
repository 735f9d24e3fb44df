//! Whether the service knows the attributes that would be set.

use super::finding::{Finding, Findings};
use super::there::unheard;
use crate::cli::RunArgs;
use crate::config::Further;
use crate::domain::text::count;
use crate::scim::client::Client;
use crate::scim::schemas::{Known, Schemas};

const CHECK: &str = "attributes";

/// Asks once, and says a line for what the service does not describe.
pub(super) async fn check(args: &RunArgs, further: &Further, client: &Client, found: &mut Findings<'_>) {
    let mfa = args.service.mfa_path.as_str();
    match client.schemas().await {
        Ok(schemas) => {
            let paths = further.attributes.iter().map(|attribute| attribute.path.as_str());
            found.extend(judged(&schemas, mfa, paths));
        }
        Err(why) => {
            let advice = format!("try {mfa} with one user first");
            found.push(unheard(CHECK, &why, &advice));
        }
    }
}

/// Whether each of the paths is known, the one for MFA first.
fn judged<'a>(schemas: &Schemas, mfa: &'a str, further: impl Iterator<Item = &'a str>) -> Vec<Finding> {
    let paths: Vec<_> = std::iter::once(mfa).chain(further).collect();
    let doubtful = paths.iter().filter_map(|path| match schemas.knows(path) {
        Known::Yes => None,
        Known::ReadOnly => Some(Finding::warning(
            CHECK,
            format!("the service lets nobody write {path}"),
            "name another path, or leave its column out",
        )),
        Known::No if *path == mfa => Some(Finding::warning(
            CHECK,
            format!("the schemas of the service do not know {path}, where MFA would be set"),
            "try it with one user first, name another with --mfa-path, or leave the phones out",
        )),
        Known::No => Some(Finding::warning(
            CHECK,
            format!("the schemas of the service do not know {path}"),
            "try it with one user first, or mend [[attributes]]",
        )),
    });
    let doubtful: Vec<_> = doubtful.collect();
    if doubtful.is_empty() {
        let more = match paths.len() as u64 - 1 {
            0 => String::new(),
            more => format!(" and {}", count(more, "further attribute")),
        };
        return vec![Finding::ok(CHECK, format!("the service knows {mfa}{more}"))];
    }
    doubtful
}

#[cfg(test)]
mod tests {
    use super::super::finding::Sign;
    use super::*;

    #[test]
    fn each_path_that_the_service_does_not_describe_is_named() {
        let body = br#"{"Resources":[{"id":"urn:ietf:params:scim:schemas:core:2.0:User","attributes":[
            {"name":"mfaSettings"},{"name":"title"},{"name":"groups","mutability":"readOnly"}]}]}"#;
        let schemas = Schemas::of(body).unwrap();
        let told = |mfa, paths: &[&'static str]| judged(&schemas, mfa, paths.iter().copied());
        let fine = told("mfaSettings", &["title"]);
        assert_eq!((fine.len(), fine[0].sign), (1, Sign::Ok));
        assert_eq!(fine[0].found, "the service knows mfaSettings and 1 further attribute");
        let doubtful = told("mfa", &["title", "level", "groups"]);
        assert!(doubtful.iter().all(|finding| finding.sign == Sign::Warning));
        let named = ["know mfa, where MFA", "know level", "nobody write groups"];
        assert_eq!(doubtful.len(), named.len());
        for (finding, named) in doubtful.iter().zip(named) {
            assert!(finding.found.contains(named), "{finding:?}");
        }
    }
}
