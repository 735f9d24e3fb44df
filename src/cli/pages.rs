//! What README.md and `docs/` tell people to type is what the program takes.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::{Command, CommandFactory as _, Parser as _};

use super::Cli;

/// Pages that speak of other programs' flags too.
const OF_OTHERS: [&str; 5] =
    ["comparison.md", "dependencies.md", "other-scim-services.md", "performance.md", "reliability.md"];

fn pages() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let pages = docs.filter(|path| path.extension().is_some_and(|end| end == "md"));
    let pages = pages.chain([root.join("README.md")]);
    pages.map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

/// The fenced blocks in one of these languages, with lines that go on put together.
fn blocks(page: &str, languages: &[&str]) -> Vec<String> {
    let fenced = page.split("```").skip(1).step_by(2).filter_map(|block| block.split_once('\n'));
    fenced
        .filter(|(language, _)| languages.contains(language))
        .map(|(_, text)| text.replace("\\\n", " "))
        .collect()
}

/// What stands between backticks, outside of fenced blocks.
fn spans(page: &str) -> Vec<String> {
    let outside: String = page.split("```").step_by(2).collect();
    outside.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// A line as a shell takes it apart: the words of each command in it, without comments and redirections.
fn commands(line: &str) -> Vec<Vec<String>> {
    let (mut commands, mut word, mut quote) = (vec![Vec::new()], None::<String>, None);
    for c in line.chars().chain(['\n']) {
        match (quote, c) {
            (Some(open), _) if open == c => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '#') if word.is_none() => break,
            (None, ' ' | '\t' | '\n' | '|' | '&' | ';' | '(' | ')' | '<' | '>') => {
                // A number before a redirection is a file's.
                let word = word.take().filter(|word| c != '>' || !word.chars().all(|c| c.is_ascii_digit()));
                commands.last_mut().unwrap().extend(word);
                match c {
                    // What follows is a file, and no command.
                    '<' | '>' => commands.push(vec![c.to_string()]),
                    _ if c.is_whitespace() => {}
                    _ => commands.push(Vec::new()),
                }
            }
            _ => word.get_or_insert_default().push(c),
        }
    }
    commands
}

/// What may stand before the name of a program: assignments, a cron line's times, programs that start others.
fn is_before(word: &str) -> bool {
    let is_time = |c: char| c.is_ascii_digit() || "*/,-".contains(c);
    word.contains('=') || word.chars().all(is_time) || ["env", "exec", "sudo", "time"].contains(&word)
}

/// The arguments with which a command calls this program, if it does.
fn ours(words: &[String]) -> Option<Vec<String>> {
    let mut words = words.iter().skip_while(|word| is_before(word));
    let first = words.next()?;
    if first == "cargo" && words.next()? == "run" {
        words.find(|word| *word == "--")?;
    } else if first != "scim-rekey" && !first.ends_with("/scim-rekey") {
        return None;
    }
    Some(["scim-rekey".to_owned()].into_iter().chain(words.cloned()).collect())
}

fn calls(text: &str) -> Vec<Vec<String>> {
    // A unit of systemd names the program behind a key.
    let lines = text.lines().map(|line| line.strip_prefix("ExecStart=").unwrap_or(line));
    lines.flat_map(commands).filter_map(|words| ours(&words)).collect()
}

/// What is wrong with a command line, unless it is of one of these kinds.
fn wrong(path: &Path, call: &[String], right: &[ErrorKind]) -> Option<String> {
    let error = Cli::try_parse_from(call).err().filter(|error| !right.contains(&error.kind()))?;
    Some(format!("{}: {}: {:?}", path.display(), call.join(" "), error.kind()))
}

#[test]
fn every_command_line_of_a_block_is_one() {
    let pages = pages();
    let blocks = pages.iter().flat_map(|(path, page)| {
        blocks(page, &["sh", "crontab", "ini"]).into_iter().map(move |block| (path, block))
    });
    let calls: Vec<_> =
        blocks.flat_map(|(path, block)| calls(&block).into_iter().map(move |call| (path, call))).collect();
    assert!(calls.len() > 35, "{}", calls.len());
    let right = [ErrorKind::DisplayHelp, ErrorKind::DisplayVersion];
    let wrong: Vec<_> = calls.iter().filter_map(|(path, call)| wrong(path, call, &right)).collect();
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn every_command_of_a_sentence_is_one() {
    let pages = pages();
    let spans = pages.iter().flat_map(|(path, page)| spans(page).into_iter().map(move |span| (path, span)));
    let spans = spans.filter(|(_, span)| span.starts_with("scim-rekey "));
    let calls: Vec<_> =
        spans.flat_map(|(path, span)| calls(&span).into_iter().map(move |call| (path, call))).collect();
    assert!(calls.len() > 8, "{}", calls.len());
    // A sentence may name a command without what it needs.
    let right = [
        ErrorKind::MissingRequiredArgument,
        ErrorKind::DisplayHelp,
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand,
        ErrorKind::DisplayVersion,
    ];
    let wrong: Vec<_> = calls.iter().filter_map(|(path, call)| wrong(path, call, &right)).collect();
    assert_eq!(wrong, [""; 0]);
}

fn flags(command: &Command, found: &mut BTreeSet<String>) {
    let longs = command.get_arguments().filter_map(clap::Arg::get_long);
    found.extend(longs.map(|long| format!("--{long}")));
    command.get_subcommands().for_each(|command| flags(command, found));
}

#[test]
fn every_flag_of_a_sentence_exists() {
    let mut known = BTreeSet::from(["--help", "--version"].map(str::to_owned));
    flags(&Cli::command(), &mut known);
    let pages = pages().into_iter().filter(|(path, _)| !OF_OTHERS.iter().any(|name| path.ends_with(name)));
    let spans = pages.flat_map(|(path, page)| spans(&page).into_iter().map(move |span| (path.clone(), span)));
    let spans = spans.filter(|(_, span)| span.starts_with("--"));
    let words: Vec<_> = spans
        .flat_map(|(path, span)| {
            span.split_whitespace().map(|word| (path.clone(), word.to_owned())).collect::<Vec<_>>()
        })
        .filter(|(_, word)| word.starts_with("--"))
        .collect();
    assert!(words.len() > 50, "{}", words.len());
    let unknown: Vec<_> = words.iter().filter(|(_, word)| !known.contains(word)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn lines_are_taken_apart_as_a_shell_does() {
    let words = |line: &str| calls(line).into_iter().map(|call| call[1..].join("|")).collect::<Vec<_>>();
    assert_eq!(words("scim-rekey check 'a b.csv' # not --this"), ["check|a b.csv"]);
    assert_eq!(words("(umask 077; X=1 scim-rekey unseal d --identity k > p)"), ["unseal|d|--identity|k"]);
    assert_eq!(words("0 2 * * * /usr/bin/scim-rekey run a.csv 2>&1 | logger"), ["run|a.csv"]);
    assert_eq!(words("cargo run --release -- run s --sandbox"), ["run|s|--sandbox"]);
    assert_eq!(words("a && scim-rekey status d; scim-rekey report d"), ["status|d", "report|d"]);
    assert_eq!(words("scim-rekey completions bash > ~/completions/scim-rekey"), ["completions|bash"]);
    assert_eq!(words("docker build -t scim-rekey . ; cp target/scim-rekey /usr/bin"), [""; 0]);
}
