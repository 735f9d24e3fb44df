//! The replies, and what a row must come to that is answered with them.

/// A row of the table.
pub(super) struct Row {
    /// The outcome, with its reason.
    pub(super) expected: &'static str,
    /// The address in the file.
    pub(super) email: &'static str,
    /// The id of the account that bears it.
    pub(super) id: &'static str,
    /// Replies to the look-up, one a page.
    pub(super) pages: Vec<String>,
}

/// `§` stands for the number of the row, so that every row is about somebody of its own.
const EMAIL: &str = "kisö§@example.com";
const ID: &str = "right-§";
/// Somebody else, who exists.
const VICTIM: &str = r#"{"id":"victim-§","userName":"victim§@example.com","active":true}"#;
const RIGHT: &str = r#"{"id":"right-§","userName":"kisö§@example.com","active":true}"#;

pub(super) fn list(total: &str, users: &[&str]) -> String {
    let shape = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
    format!(r#"{{"schemas":["{shape}"],"totalResults":{total},"Resources":[{}]}}"#, users.join(","))
}

fn row(expected: &'static str, pages: &[String]) -> Row {
    Row { expected, email: EMAIL, id: ID, pages: pages.to_vec() }
}

/// The look-up shows one user of this JSON.
fn user(expected: &'static str, user: &str) -> Row {
    row(expected, &[list("1", &[user])])
}

fn named(expected: &'static str, name: &str) -> Row {
    user(expected, &format!(r#"{{"id":"victim-§","userName":{name},"active":true}}"#))
}

fn id(expected: &'static str, id: &str) -> Row {
    user(expected, &format!(r#"{{"id":{id},"userName":"{EMAIL}","active":true}}"#))
}

/// The right user, who says this besides.
fn also(expected: &'static str, members: &str) -> Row {
    user(expected, &format!(r#"{{"id":"{ID}","userName":"{EMAIL}",{members}}}"#))
}

fn body(expected: &'static str, body: &str) -> Row {
    row(expected, &[body.to_owned()])
}

pub(super) fn rows() -> Vec<Row> {
    [names(), ids(), attributes(), lists(), bodies()].into_iter().flatten().collect()
}

fn names() -> Vec<Row> {
    let mut rows: Vec<Row> = [
        r#""victim§@example.com""#,
        r#""kisö§@example.co""#,
        r#""kisö§@example.com.""#,
        r#""kisö§@example.community""#,
        r#""xkisö§@example.com""#,
        r#""isö§@example.com""#,
        r#""kisö§+x@example.com""#,
        r#""kisö.§@example.com""#,
        r#""kisö§@example.com ""#,
        r#""\tkisö§@example.com""#,
        r#""kisö§""#,
        r#""kisö§@EXAMPLE.org""#,
        r#""кisö§@example.com""#,
        r#""kıs\u00f6§@example.com""#,
        r#""kİs\u00f6§@example.com""#,
        r#""kiſ\u00f6§@example.com""#,
        r#""\u212aisö§@example.com""#,
        r#""kiso\u0308§@example.com""#,
        r#""kisÖ§@example.com""#,
        r#""kiso§@example.com""#,
        r#""ｋisö§@example.com""#,
        r#""kisö§＠example.com""#,
        r#""kisö§@example。com""#,
        r#""ki\u200bsö§@example.com""#,
        r#""ki\u00adsö§@example.com""#,
        r#""\u202ekisö§@example.com""#,
        r#""\ufeffkisö§@example.com""#,
        r#""kisö§@example.com\u0000""#,
        r#""kisö§@example.com\nvictim§@example.com""#,
        r#""kisö§@example.com,victim§@example.com""#,
        r#""\"kisö§\"@example.com""#,
        r#""mailto:kisö§@example.com""#,
        r#""kis%C3%B6§@example.com""#,
        r#""kisö§@xn--example.com""#,
        r#""""#,
        "null",
        "1",
        "true",
        "[]",
        r#"["kisö§@example.com"]"#,
        r#"{"value":"kisö§@example.com"}"#,
        r#"{"userName":"kisö§@example.com"}"#,
    ]
    .into_iter()
    .map(|name| named("failed/wrong_user", name))
    .collect();
    // The same letters the other way round: it is the file that holds the odd one.
    for (email, shown) in
        [("\u{212a}im§@example.com", "kim§@example.com"), ("ſam§@example.com", "sam§@example.com")]
    {
        rows.push(Row { email, ..named("failed/wrong_user", &format!("\"{shown}\"")) });
    }
    let right = |name: &str| user("updated", &format!(r#"{{"id":"{ID}","userName":"{name}"}}"#));
    rows.extend(["KISö§@Example.COM", r"\u006bis\u00f6§\u0040example.com"].map(right));
    rows
}

fn ids() -> Vec<Row> {
    let refused = [
        r#""""#,
        "null",
        "7",
        "true",
        r#"["right-§"]"#,
        r#"{"value":"right-§"}"#,
        r#"".""#,
        r#""..""#,
        r#"".search""#,
        r#""../Users/victim-§""#,
        r#""right-§/../victim-§""#,
        r#""right-§/victim-§""#,
        r#""..\\victim-§""#,
        r#""%2e%2e/victim-§""#,
        r#""victim%2d§""#,
        r#""right-§\u0000""#,
        r#""right-§\r\nX-Evil: 1""#,
        r#""right-§\u202e""#,
    ];
    let mut rows: Vec<Row> = refused.into_iter().map(|value| id("failed/bad_reply", value)).collect();
    rows.push(id("failed/bad_reply", &format!("\"{}\"", "x".repeat(10_000))));
    // Odd, but one segment of a path and nothing else when encoded.
    for odd in ["a?x=§", "a#b-§", "a b&c=d;e-§", "ä+@:,'\"*!$()-§", "~-_.§"] {
        let shown = serde_json::to_string(odd).unwrap();
        rows.push(Row { id: odd, ..id("updated", &shown) });
    }
    rows
}

fn attributes() -> Vec<Row> {
    vec![
        also("updated", r#""active":null"#),
        also("updated", r#""active":"true""#),
        also("skipped/inactive", r#""active":false"#),
        also("skipped/inactive", r#""active":"False""#),
        also("failed/bad_reply", r#""active":0"#),
        also("failed/bad_reply", r#""active":"yes""#),
        also("failed/bad_reply", r#""active":[true]"#),
        also("failed/bad_reply", r#""active":{"value":true}"#),
        also("updated", r#""meta":7"#),
        also("updated", r#""meta":{"version":7,"location":[],"resourceType":{}}"#),
        also("updated", r#""meta":{"location":"http://127.0.0.1/scim/Users/right-§"}"#),
        also("failed/bad_reply", r#""meta":{"location":"http://127.0.0.1/scim/Users/victim-§"}"#),
        also("failed/bad_reply", r#""meta":{"resourceType":"Group"}"#),
        also("failed/bad_reply", r#""schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"]"#),
        also("failed/bad_reply", r#""userName":"victim§@example.com""#),
        also("failed/bad_reply", r#""USERNAME":"victim§@example.com""#),
        also("failed/bad_reply", r#""id":"victim-§""#),
        also("failed/bad_reply", r#""Id":"victim-§""#),
        also("failed/bad_reply", r#""active":false,"Active":true"#),
        user("updated", r#"{"ID":"right-§","USERNAME":"kisö§@example.com","Active":true}"#),
        user("failed/wrong_user", r#"{"id":"victim-§","name":"kisö§@example.com"}"#),
        user(
            "failed/wrong_user",
            r#"{"id":"victim-§","emails":[{"value":"kisö§@example.com","primary":true}]}"#,
        ),
        user("failed/wrong_user", r#"{"id":"victim-§","uſerName":"kisö§@example.com"}"#),
    ]
}

fn lists() -> Vec<Row> {
    let pages = |expected, pages: &[(&str, &[&str])]| {
        row(expected, &pages.iter().map(|(total, users)| list(total, users)).collect::<Vec<_>>())
    };
    let twin = RIGHT.replace("right-§", "victim-§");
    let alias = RIGHT.replace("kisö§", "victim§");
    let (twin, alias): (&str, &str) = (&twin, &alias);
    vec![
        pages("failed/not_found", &[("0", &[])]),
        pages("failed/bad_reply", &[("1", &[])]),
        pages("failed/ambiguous", &[("2", &[RIGHT]), ("2", &[])]),
        pages("failed/ambiguous", &[("2", &[RIGHT, twin])]),
        pages("failed/ambiguous", &[("1", &[RIGHT, twin])]),
        pages("failed/ambiguous", &[("2", &[RIGHT]), ("2", &[twin])]),
        pages("failed/ambiguous", &[("2", &[RIGHT, alias])]),
        pages("failed/ambiguous", &[("3", &[VICTIM, alias]), ("3", &[RIGHT])]),
        pages("updated", &[("2", &[RIGHT, RIGHT])]),
        pages("updated", &[("2", &[VICTIM, RIGHT])]),
        pages("updated", &[("3", &[VICTIM]), ("2", &[RIGHT])]),
        pages("updated", &[("null", &[RIGHT])]),
        pages("failed/bad_reply", &[("-1", &[RIGHT])]),
        pages("failed/bad_reply", &[("\"1\"", &[RIGHT])]),
        pages("failed/bad_reply", &[("1e400", &[RIGHT])]),
        pages("failed/bad_reply", &[("NaN", &[RIGHT])]),
        pages("failed/wrong_user", &[("18446744073709551615", &[VICTIM]), ("1", &[VICTIM])]),
        pages("failed/bad_reply", &[("1", &[&format!("[{RIGHT}]")])]),
        pages("failed/bad_reply", &[("1", &[r#"["right-§","kisö§@example.com",true]"#])]),
        pages("failed/bad_reply", &[("2", &[RIGHT, "null"])]),
        body("failed/bad_reply", &format!(r#"{{"totalResults":1,"Resources":{RIGHT}}}"#)),
        body("failed/bad_reply", &format!(r#"{{"totalResults":1,"Resources":{{"Resources":[{RIGHT}]}}}}"#)),
        body(
            "failed/bad_reply",
            &format!(r#"{{"totalResults":1,"Resources":[{VICTIM}],"Resources":[{RIGHT}]}}"#),
        ),
        body("failed/bad_reply", &format!(r#"{{"totalResults":1,"Resources":[{RIGHT}],"resources":[]}}"#)),
        body(
            "updated",
            &format!(r#"{{"TotalResults":1,"resources":[{RIGHT}],"startIndex":99,"itemsPerPage":0}}"#),
        ),
    ]
}

fn bodies() -> Vec<Row> {
    let error = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"404","detail":"no"}"#;
    let right = list("1", &[RIGHT]);
    let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    let nested = RIGHT.replace('}', &format!(r#","meta":{deep}}}"#));
    vec![
        body("failed/bad_reply", ""),
        body("failed/bad_reply", "null"),
        body("failed/bad_reply", RIGHT),
        body("failed/bad_reply", error),
        body("failed/bad_reply", "<!DOCTYPE html><title>Log in</title>"),
        body("failed/bad_reply", &format!("[{right}]")),
        body("failed/bad_reply", &format!("[1,[{RIGHT}]]")),
        body("failed/bad_reply", &format!("\u{feff}{right}")),
        body("failed/bad_reply", &format!("{right}x")),
        body("failed/bad_reply", &format!("{right}{right}")),
        body("failed/bad_reply", &right[..right.len() - 1]),
        body("failed/bad_reply", &format!(")]}}',\n{right}")),
        body("failed/bad_reply", &right.replace('"', "'")),
        body("failed/bad_reply", &right.replace("]}", "],}")),
        body("failed/bad_reply", &list("1", &[&nested])),
        body("updated", &right.replace(r#","Resources""#, &format!(r#","x":{deep},"Resources""#))),
        body("updated", &format!("\r\n\t {right}\n")),
    ]
}
