//! What the pages in `docs/` and README.md say of the program is so: links, words, files, settings.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{Program, Stage, rust_files};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// All pages, by their place below the root.
fn pages() -> Vec<(String, String)> {
    let docs = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().file_name());
    let docs = docs.map(|name| format!("docs/{}", name.into_string().unwrap()));
    let pages = docs.filter(|name| Path::new(name).extension().is_some_and(|end| end == "md"));
    let others = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md"].map(str::to_owned);
    pages.chain(others).map(|name| (name.clone(), read(&name))).collect()
}

/// A page without its fenced blocks.
fn prose(page: &str) -> String {
    page.split("```").step_by(2).collect()
}

/// The name by which a heading can be linked to.
fn anchor(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || [' ', '-', '_'].contains(c);
    heading.trim().to_lowercase().chars().filter(kept).map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn anchors(page: &str) -> BTreeSet<String> {
    let headings = prose(page);
    let headings = headings.lines().filter_map(|line| line.strip_prefix('#'));
    headings.map(|heading| anchor(heading.trim_start_matches('#'))).collect()
}

/// What is wrong with a link of this page, if anything is.
fn broken(name: &str, link: &str) -> Option<String> {
    let (file, place) = link.split_once('#').unwrap_or((link, ""));
    let here = root().join(name);
    let target = if file.is_empty() { here } else { here.parent().unwrap().join(file) };
    let leads = || place.is_empty() || anchors(&fs::read_to_string(&target).unwrap()).contains(place);
    (!target.exists() || !leads()).then(|| format!("{name}: {link}"))
}

#[test]
fn every_link_leads_somewhere() {
    let pages: Vec<_> = pages().into_iter().map(|(name, page)| (name, prose(&page))).collect();
    let links = pages.iter().flat_map(|(name, page)| {
        let links = page.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        links.map(move |(link, _)| (name, link))
    });
    let links: Vec<_> = links.filter(|(_, link)| !link.starts_with("https://")).collect();
    assert!(links.len() > 60, "{}", links.len());
    let broken: Vec<_> = links.into_iter().filter_map(|(name, link)| broken(name, link)).collect();
    assert_eq!(broken, [""; 0]);
}

#[test]
fn every_page_is_linked_from_the_first() {
    let readme = read("README.md");
    let missing = pages()
        .into_iter()
        .map(|(name, _)| name)
        .find(|name| name.starts_with("docs/") && !readme.contains(&format!("]({name})")));
    assert_eq!(missing, None);
}

#[test]
fn every_file_that_is_named_exists() {
    let mut named = 0;
    for (name, page) in pages() {
        // It names files of other projects.
        if name == "docs/comparison.md" {
            continue;
        }
        for span in prose(&page).split('`').skip(1).step_by(2) {
            let path = span.split([' ', '#', ',']).next().unwrap().trim_end_matches('/');
            let is_ours = |folder: &&str| path.starts_with(&format!("{folder}/"));
            if ["src", "tests", "samples", "docs", "benches", "fixtures", ".ci"].iter().any(is_ours) {
                named += 1;
                let path = path.split("::").next().unwrap();
                assert!(root().join(path).exists(), "{name}: {span}");
            }
        }
    }
    assert!(named > 40, "{named}");
}

/// The first cells of the rows of a table below this heading, each with its line.
fn table(page: &str, heading: &str) -> Vec<(String, String)> {
    let (_, rest) = page.split_once(&format!("{heading}\n")).unwrap_or_else(|| panic!("no {heading}"));
    let section = rest.split("\n#").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with('|')).skip(2);
    let cell = |row: &str| row.split('|').nth(1).unwrap().trim().replace('`', "");
    rows.map(|row| (cell(row), row.to_owned())).collect()
}

fn names(page: &str, heading: &str) -> Vec<String> {
    table(page, heading)
        .into_iter()
        .flat_map(|(cell, _)| cell.split(", ").map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

const WORDS: &str = "docs/outcomes-and-exit-codes.md";

#[test]
fn exit_codes_of_the_help_are_those_of_the_page() {
    let help = Program::new(["--help"]).run().expect(0).stdout;
    let listed = help.split_once("Exit codes:").unwrap().1;
    let words = listed.split_whitespace().map(|word| word.trim_end_matches(','));
    let codes: BTreeSet<u8> = words.filter_map(|word| word.parse().ok()).collect();
    assert!(codes.len() >= 15, "{codes:?}");
    let page: BTreeSet<u8> =
        names(&read(WORDS), "## Exit codes").iter().map(|code| code.parse().unwrap()).collect();
    assert_eq!(page, codes);
}

#[test]
fn columns_and_fields_are_those_of_the_page() {
    let stage = Stage::plain(1);
    stage.finish(stage.program().arg("--revoke-sessions")).expect(0);
    let page = read(WORDS);
    let outcome = fs::read_to_string(stage.run_dir().join("outcome.csv")).unwrap();
    assert_eq!(names(&page, "## Columns of outcome.csv").join(","), outcome.lines().next().unwrap());

    let summary = fs::read(stage.run_dir().join("summary.json")).unwrap();
    let summary: serde_json::Value = serde_json::from_slice(&summary).unwrap();
    let fields: BTreeSet<_> = summary.as_object().unwrap().keys().cloned().collect();
    let described = table(&page, "## Fields of summary.json");
    let sometimes = |row: &str| row.contains("only ");
    let always = described.iter().filter(|(_, row)| !sometimes(row)).map(|(field, _)| field.clone());
    assert_eq!(always.collect::<BTreeSet<_>>(), fields);
    for (field, row) in described {
        let inner = summary[&field].as_object().filter(|_| ["mfa", "requests"].contains(&&*field));
        for key in inner.into_iter().flat_map(serde_json::Map::keys) {
            assert!(row.contains(&format!("`{key}`")), "{field}.{key}");
        }
    }

    let mut files: BTreeSet<_> = names(&page, "## The run folder").into_iter().collect();
    let there = fs::read_dir(stage.run_dir()).unwrap().map(|entry| entry.unwrap().file_name());
    for name in there.map(|name| name.into_string().unwrap()) {
        assert!(files.remove(&name), "{name} is not in the table");
    }
    let absent = BTreeSet::from(["generated.csv.age", "run.lock"].map(str::to_owned));
    assert_eq!(files, absent, "files that such a run leaves");
}

/// The text of an item of ours that begins with these words, up to the brace that closes it.
fn item(begins: &str) -> String {
    let mut sources =
        rust_files(&root().join("src")).into_iter().map(|path| fs::read_to_string(path).unwrap());
    let found = sources.find_map(|text| text.split_once(begins).map(|(_, rest)| rest.to_owned()));
    found.unwrap_or_else(|| panic!("no {begins}")).split("\n}\n").next().unwrap().to_owned()
}

fn snake(name: &str) -> String {
    let spaced =
        name.chars().map(|c| if c.is_uppercase() { format!("_{}", c.to_lowercase()) } else { c.into() });
    spaced.collect::<String>().trim_start_matches('_').to_owned()
}

#[test]
fn kinds_of_records_are_those_of_the_page() {
    let body = item("pub(crate) enum Body<'a> {");
    let variants = body.lines().filter_map(|line| line.strip_prefix("    "));
    let variants = variants.filter(|line| line.starts_with(char::is_uppercase));
    let kinds: BTreeSet<_> =
        variants.map(|line| snake(line.split(|c: char| !c.is_alphanumeric()).next().unwrap())).collect();
    assert!(kinds.len() >= 10, "{kinds:?}");
    assert_eq!(names(&read(WORDS), "## Records of audit.jsonl").into_iter().collect::<BTreeSet<_>>(), kinds);
}

#[test]
fn regions_are_those_of_the_page() {
    let list = item("const REGIONS: ");
    let list = list.split("];\n").next().unwrap();
    let known: Vec<_> = list.lines().filter(|line| line.starts_with("    (\"")).map(str::trim).collect();
    assert!(known.len() >= 18, "{known:?}");
    let page = read("docs/genesys-cloud.md");
    let cells = |row: &str| row.split('|').map(str::trim).map(str::to_owned).collect::<Vec<_>>();
    let rows = table(&page, "## Regions").into_iter().map(|(_, row)| cells(&row));
    let rows: Vec<_> = rows.map(|row| format!("(\"{}\", \"{}\"),", row[1], row[2])).collect();
    assert_eq!(rows, known);
}

#[test]
fn variables_of_the_environment_are_those_of_the_page() {
    let sources = rust_files(&root().join("src")).into_iter().map(|path| fs::read_to_string(path).unwrap());
    let literals = sources.flat_map(|text| text.split('"').map(str::to_owned).collect::<Vec<_>>());
    let is_ours = |name: &String| {
        let ours = ["GENESYS", "SCIM_REKEY_SMTP"].iter().any(|begin| name.starts_with(begin));
        ours && name.chars().all(|c| c.is_ascii_uppercase() || c == '_')
    };
    let known: BTreeSet<_> = literals.filter(is_ours).collect();
    assert!(known.len() >= 9, "{known:?}");
    let listed = names(&read("docs/settings.md"), "## In the environment");
    assert_eq!(listed.into_iter().filter(is_ours).collect::<BTreeSet<_>>(), known);
}
