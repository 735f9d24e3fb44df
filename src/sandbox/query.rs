//! Owns the query of a look-up (RFC 7644, section 3.4.2): filter, page and projection.
//!
//! Only `eq` on `userName` and `id` is understood, as the vendor documents; anything else is
//! refused with `invalidFilter` rather than guessed at.

use super::options::Options;
use super::problem::Problem;
use super::projection::{Projection, names};

/// A look-up as asked.
#[derive(Clone, Debug, Default)]
pub(super) struct ListQuery {
    pub(super) filter: Option<Filter>,
    /// 1-based.
    pub(super) start: usize,
    pub(super) count: usize,
    pub(super) projection: Projection,
}

/// The one comparison a filter may make.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Filter {
    UserName(String),
    Id(String),
}

impl ListQuery {
    pub(super) fn parse(query: &str, options: &Options) -> Result<Self, Problem> {
        let mut list = Self { start: 1, count: options.default_page, ..Self::default() };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "filter" => list.filter = Some(filter(&value)?),
                "startIndex" => list.start = number(&name, &value)?.max(1),
                "count" => list.count = number(&name, &value)?,
                "attributes" => list.projection.attributes = names(&value),
                "excludedAttributes" => list.projection.excluded = names(&value),
                _ => {}
            }
        }
        if options.busy_page_over.is_some_and(|most| list.count > most) {
            return Err(Problem::new(429, "so large a page is too much just now"));
        }
        list.count = list.count.min(options.max_page);
        Ok(list)
    }
}

/// Negative numbers count as 0 (RFC 7644, section 3.4.2.4).
fn number(name: &str, value: &str) -> Result<usize, Problem> {
    let number: Result<i64, _> = value.parse();
    let number = number
        .map_err(|_| Problem::new(400, format!("{name} is not a whole number")).scim_type("invalidValue"))?;
    Ok(usize::try_from(number).unwrap_or(0))
}

fn filter(text: &str) -> Result<Filter, Problem> {
    comparison(text.trim()).ok_or_else(|| {
        Problem::new(400, "the only filters are userName eq \"…\" and id eq \"…\"").scim_type("invalidFilter")
    })
}

fn comparison(text: &str) -> Option<Filter> {
    let (attribute, rest) = text.split_once(' ')?;
    let (operator, value) = rest.trim_start().split_once(' ')?;
    if !operator.eq_ignore_ascii_case("eq") {
        return None;
    }
    let value: String = serde_json::from_str(value).ok()?;
    match attribute.to_ascii_lowercase().as_str() {
        "username" => Some(Filter::UserName(value)),
        "id" => Some(Filter::Id(value)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_equality_is_understood() {
        let name = |value: &str| Some(Filter::UserName(value.into()));
        assert_eq!(comparison("userName eq \"a@b.c\""), name("a@b.c"));
        assert_eq!(comparison("USERNAME EQ \"\\u0061\\\"\""), name("a\""));
        assert_eq!(comparison("id eq \"7\""), Some(Filter::Id("7".into())));
        for bad in [
            "userName eq a@b.c",
            "userName sw \"a\"",
            "title eq \"a\"",
            "userName eq \"a\" or userName sw \"b\"",
            "",
        ] {
            assert_eq!(comparison(bad), None, "{bad}");
        }
    }
}
