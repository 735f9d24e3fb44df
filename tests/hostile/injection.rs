//! Addresses that try to be more than a value: they reach neither another filter nor another
//! parameter, and nobody else is changed.

use std::collections::BTreeSet;
use std::fs;

use scim_rekey::sandbox::{Directory, Kind, Options, User};

use crate::support::{Person, Stage};

/// What a quoted local part can smuggle.
const QUOTED: [&str; 22] = [
    r#"x\" or userName sw \"a"#,
    r#"x\" or userName pr or userName eq \"y"#,
    r#"x\" or not (userName eq \"z\") or userName eq \"y"#,
    r#"\" or id pr or \""#,
    r#"\") or (userName sw \"a"#,
    r#"\" and active eq true or \""#,
    r#"x\" ] or emails[value co \"a"#,
    r"x\\",
    r#"x\\\" or id pr or \"\\"#,
    r"x' or '1'='1",
    r"x\u0022 or id pr",
    r"x%22%20or%20id%20pr",
    r"x&count=100&filter=id pr",
    r"x&attributes=password",
    r"x#fragment",
    r"x;filter=id pr",
    r"x+or+id+pr",
    r"../../Users/1",
    r"*)(uid=*",
    r"$(reboot)`reboot`",
    r"{{7*7}}${7*7}<script>",
    r"x /* or */ -- y",
];

/// Addresses without quotes.
const PLAIN: [&str; 22] = [
    "a'or'1'='1@example.com",
    "a%22or%22@example.com",
    "a%0d%0aHost:evil@example.com",
    "a+b&c=d#e@example.com",
    "a%26count=1@example.com",
    "a+or+userName+pr@example.com",
    "a/../../Users/x@example.com",
    "a?filter=id@example.com",
    "a#b@example.com",
    "*@example.com",
    "%@example.com",
    "_@example.com",
    "a|b@example.com",
    "{a}@example.com",
    "$a@example.com",
    "`a`@example.com",
    "a~b!c^d@example.com",
    "-or-id-pr@example.com",
    "=1+1@example.com",
    "ä%C3%A4@example.com",
    "a%2500@example.com",
    "null@example.com",
];

#[test]
fn no_address_becomes_another_filter() {
    let quoted = QUOTED.map(|inside| format!("\"{inside}\"@example.com"));
    let payloads: Vec<String> = quoted.into_iter().chain(PLAIN.map(str::to_owned)).collect();
    assert!(payloads.len() >= 40);
    let others =
        ["x", "y", "a", "x@example.com", "admin@example.com", "a@example.com", "null"].map(str::to_owned);
    let users = payloads.iter().chain(&others).map(User::new).collect();
    let people: Vec<Person> = payloads.iter().map(Person::new).collect();
    let stage = Stage::new(people, Options { directory: Directory::Listed(users), ..Options::default() });
    let cell = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let rows =
        stage.people.iter().map(|person| format!("{},{},\n", cell(&person.email), cell(&person.password.0)));
    fs::write(stage.input(), format!("email,password,mfa_phone\n{}", rows.collect::<String>())).unwrap();
    stage.finish(stage.program().arg("--skip-bad-rows")).expect(3);

    let truth = stage.truth();
    let outcomes = stage.outcomes();
    assert_eq!(outcomes.len(), payloads.len());
    let with = |outcome: &str| outcomes.iter().filter(|row| row["outcome"] == outcome).count();
    let (updated, refused) =
        (with("updated"), outcomes.iter().filter(|row| row["reason"] == "invalid_row").count());
    assert_eq!(updated + refused, payloads.len(), "a payload is an odd name or no address: {outcomes:?}");
    assert!(updated >= 20, "most are sound addresses, and theirs only: {updated}");

    let known: BTreeSet<&str> = payloads.iter().map(String::as_str).collect();
    assert!(truth.applied.iter().all(|applied| known.contains(&*applied.user_name)), "{:?}", truth.applied);
    assert_eq!((truth.applied.len(), truth.patch_requests), (updated, updated as u64));
    let look_ups = truth.requests.iter().filter(|seen| seen.kind == Kind::Lookup);
    let asked: Vec<_> =
        look_ups.map(|seen| form_urlencoded::parse(seen.query.as_bytes()).collect::<Vec<_>>()).collect();
    assert_eq!(asked.len(), updated, "one look-up each");
    for query in asked {
        let names: Vec<_> = query.iter().map(|(name, _)| name.as_ref()).collect();
        assert_eq!(names, ["filter", "startIndex", "count", "attributes"]);
        let value = query[0].1.strip_prefix("userName eq ").unwrap();
        let value: String = serde_json::from_str(value).expect("one JSON string to its end");
        assert!(known.contains(&*value), "{value}");
    }
}
