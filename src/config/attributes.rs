//! `[[attributes]]`: which columns set which further attributes. What is not named here is never set.

use std::collections::HashSet;
use std::sync::Arc;

use serde::Deserialize;

use super::{Misconfigured, wrong};
use crate::domain::attribute::{Attribute, Kind};
use crate::domain::text;

/// One entry as it stands in the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    column: String,
    path: String,
    #[serde(default, rename = "type")]
    kind: Type,
    #[serde(default)]
    sensitive: bool,
}

#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Type {
    #[default]
    String,
    Boolean,
    Integer,
}

/// Checks the entries.
pub(crate) fn attributes(table: Option<&toml::Value>) -> Result<Arc<[Attribute]>, Misconfigured> {
    let entries: Vec<Entry> =
        table.map_or_else(|| Ok(Vec::new()), |table| table.clone().try_into()).map_err(|error| {
            let why = text::wrong_setting(error.message());
            wrong(format!("[[attributes]] {}", why.as_deref().unwrap_or(text::WRONG_KIND)))
        })?;
    let mut columns = HashSet::new();
    let mut paths = HashSet::new();
    let checked = entries.into_iter().map(|Entry { column, path, kind, sensitive }| {
        let kind = match kind {
            Type::String => Kind::Text,
            Type::Boolean => Kind::Boolean,
            Type::Integer => Kind::Integer,
        };
        let name = |why: &str| wrong(format!("[[attributes]] column {column:?}, path {path:?}: {why}"));
        let attribute = Attribute::new(&column, &path, kind, sensitive).map_err(name)?;
        if !columns.insert(attribute.column.to_lowercase()) || !paths.insert(attribute.path.to_lowercase()) {
            return Err(name("is named twice"));
        }
        Ok(attribute)
    });
    checked.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<String>, String> {
        let table: toml::Table = text.parse().unwrap();
        let read = attributes(table.get("attributes")).map_err(|error| error.to_string())?;
        Ok(read.iter().map(|attribute| attribute.path.clone()).collect())
    }

    #[test]
    fn only_what_is_named_and_harmless_is_set() {
        assert_eq!(read(""), Ok(Vec::new()));
        let two = "[[attributes]]\ncolumn='a'\npath='title'\n[[attributes]]\ncolumn='b'\npath='x.y'\ntype='boolean'";
        assert_eq!(read(two), Ok(vec!["title".to_owned(), "x.y".to_owned()]));
        for (text, why) in [
            ("[[attributes]]\ncolumn='a'\npath='roles'", "sensitive = true"),
            ("[[attributes]]\ncolumn='a'\npath='password'\nsensitive=true", "cannot be set"),
            ("[[attributes]]\ncolumn='a'\npath='t'\n[[attributes]]\ncolumn='A'\npath='u'", "twice"),
            ("[[attributes]]\ncolumn='a'\npath='t'\nkind='x'", "knows no setting named kind"),
            ("[[attributes]]\ncolumn='a'", "lacks a setting named path"),
            ("[[attributes]]\ncolumn='a'\npath=7", "wrong kind"),
            ("[attributes]\ncolumn='a'\npath='t'", "attributes"),
        ] {
            assert!(read(text).unwrap_err().contains(why), "{text}");
        }
    }
}
