//! One file a verb. Only here, and above, is anything printed.

pub(crate) mod audit;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod man;
pub(crate) mod preflight;
pub(crate) mod report;
pub(crate) mod retry;
pub(crate) mod run;
pub(crate) mod runs;
pub(crate) mod sandbox;
pub(crate) mod serve;
pub(crate) mod status;
pub(crate) mod unseal;

use std::fmt::Display;
use std::io::ErrorKind::{NotADirectory, NotFound};
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::sync::Arc;

use self::run::Monitor;
use crate::audit::replay::{Damage, Past};
use crate::cli::{AuditCommand, Cli, Command, InputArgs};
use crate::config::Further;
use crate::domain::text;
use crate::failpoint;
use crate::folder::run::LOG;
use crate::input::{Input, InputError, Judge, Options, Survey};
use crate::views::paint::{Paint, Tone};
use crate::views::screen::{self, Screen};

/// A command that did not do what it was asked to: the exit code and what to say.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The process exit code.
    pub(crate) code: u8,
    /// The last line on standard error.
    pub(crate) words: String,
}

impl Failure {
    /// A failure in words.
    pub(crate) fn new(code: u8, words: impl Display) -> Self {
        Self { code, words: words.to_string() }
    }
}

/// How much to say.
#[derive(Debug, Clone, Default)]
pub(crate) struct Talk {
    /// Nothing but errors.
    pub(crate) quiet: bool,
    /// Log lines, by the number of `-v`.
    pub(crate) verbose: u8,
    /// Whether somebody is there who can answer a question.
    pub(crate) asks: bool,
    /// What log lines share with the bar.
    pub(crate) screen: Screen,
}

impl Talk {
    /// Whether somebody watches who wants to be told how it goes.
    pub(crate) fn is_watched(&self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }
}

/// Does what the command line asks.
pub(crate) fn dispatch(cli: Cli, screen: Screen) -> Result<u8, Failure> {
    let asks = io::stdin().is_terminal();
    let talk = Talk { quiet: cli.quiet, verbose: cli.verbose, asks, screen };
    let further = Further::of(&cli).map_err(Failure::from);
    match cli.command {
        Command::Run(args) => Monitor::watch(&args, |monitor| run::run(monitor, &further?, None, &talk)),
        Command::Retry(args) => {
            Monitor::watch(&args.run, |monitor| retry::retry(&args, monitor, &further?, &talk))
        }
        Command::Check(args) => check::check(&args, &further?),
        Command::Preflight(args) => preflight::preflight(*args, &further?, &talk),
        Command::Unseal(args) => unseal::unseal(&args),
        Command::Status(args) => status::status(&args),
        Command::Runs(args) => runs::runs(&args),
        Command::Report { run_dirs, output } => report::report(&run_dirs, output.as_deref()),
        Command::Audit { command: AuditCommand::Verify { file, checkpoint } } => {
            audit::verify(&file, &checkpoint)
        }
        Command::Serve(args) => serve::serve(*args, &further?),
        Command::Sandbox(args) => sandbox::sandbox(&args),
        Command::Config { command } => {
            config::config(&command, cli.config.as_deref(), cli.profile.as_deref())
        }
        Command::Completions(args) => completions::completions(&args),
        Command::Man(args) => man::man(&args),
    }
}

/// Prints a line on standard output. A closed pipe ends the printing, not the program.
///
/// Names of files, other processes' locks and audit logs from elsewhere end up in lines: none of
/// them may drive the terminal or pretend to be a line of its own.
pub(crate) fn say(line: impl Display) {
    let _ = writeln!(io::stdout(), "{}", text::printable(&line.to_string()));
}

/// Prints text of our own, line breaks and all, on standard output. Says whether it got there: a closed pipe is no error here
/// either.
pub(crate) fn print(text: &[u8]) -> bool {
    let mut out = io::stdout().lock();
    out.write_all(text).and_then(|()| out.flush()).is_ok()
}

/// Prints a line on standard error, likewise.
pub(crate) fn complain(line: impl Display) {
    let _ = writeln!(io::stderr(), "{}", text::printable(&line.to_string()));
}

/// Prints a line on standard error after which nobody prints another.
pub(crate) fn complain_last(line: &str) -> io::StderrLock<'static> {
    let mut stderr = io::stderr().lock();
    // The bar may stand where the line begins.
    let erase = if screen::is_drawable() { screen::ERASE } else { "" };
    let _ = writeln!(stderr, "{erase}scim-rekey: {line}");
    stderr
}

/// Prints why a command did not do what it was asked to: on a terminal as compilers do it, elsewhere with our
/// name before it. It is one line, whatever is in it.
pub(crate) fn complain_of(failure: &Failure) {
    let paint = Paint(screen::is_colourful());
    let (label, tone) = match failure.code {
        _ if !io::stderr().is_terminal() => ("scim-rekey", Tone::Plain),
        3 | 4 | 75 | 129 | 130 | 143 => ("warning", Tone::Doubt),
        _ => ("error", Tone::Bad),
    };
    let words = text::printable(&failure.words);
    let words = match words.rsplit_once(GO_ON) {
        Some((words, next)) => format!("{words}{GO_ON}{}", paint.on(Tone::Strong, next)),
        None => words,
    };
    let _ = writeln!(io::stderr(), "{} {words}", paint.on(tone, format_args!("{label}:")));
}

/// Prints a line of our own words, painted already, on standard error.
pub(crate) fn show(line: &str) {
    let _ = writeln!(io::stderr(), "{}", line.trim_end());
}

/// Prints a warning on standard error.
pub(crate) fn warn(what: impl Display) {
    let label = Paint(screen::is_colourful()).on(Tone::Doubt, "warning:");
    let _ = writeln!(io::stderr(), "{label} {}", text::printable(&what.to_string()));
}

/// What stands before the command to type next.
pub(crate) const GO_ON: &str = "go on with: ";

/// Opens INPUT and reads it for the first time.
pub(crate) fn read_input(
    args: &InputArgs,
    further: &Further,
    judge: Option<Judge>,
) -> Result<(Input, Survey), Failure> {
    let opened = if args.input.as_os_str() == "-" { Input::stdin() } else { Input::open(&args.input) };
    let mut input = opened.map_err(|error| Failure::new(66, format!("{}: {error}", args.input.display())))?;
    let options = Options {
        default_country: args.default_country,
        passwords_generated: args.generate_passwords,
        attributes: Arc::clone(&further.attributes),
        judge,
    };
    failpoint::hit("survey");
    let survey = input.survey(options).map_err(|error| {
        let code = if matches!(error, InputError::Io(_)) { 66 } else { 65 };
        Failure::new(code, format!("{}: {error}", args.input.display()))
    })?;
    Ok((input, survey))
}

/// What is odd about the input without being wrong.
pub(crate) fn input_warnings(
    input: &Input,
    survey: &Survey,
    further: &Further,
    generates: bool,
) -> Vec<String> {
    let mut warnings = Vec::new();
    if input.readable_by_others() {
        warnings.push("INPUT can be read by others than its owner (chmod 600)".to_owned());
    }
    let layout = &survey.layout;
    if layout.password.is_none() && !generates {
        warnings.push("there is no password column, so no password is changed".to_owned());
    }
    if layout.phone.is_none() {
        warnings.push("there is no mfa_phone column, so MFA is not touched".to_owned());
    }
    let missing = further.attributes.iter().enumerate();
    let missing = missing.filter(|(number, _)| !layout.attributes.iter().any(|(_, found)| found == number));
    let missing: Vec<_> = missing.map(|(_, attribute)| attribute.column.as_str()).collect();
    if !missing.is_empty() {
        warnings.push(text::printable(&format!("no column is named {}", missing.join(", "))));
    }
    let doubtful = &survey.doubtful;
    if doubtful.rows > 0 {
        let lines: Vec<_> = doubtful.first.iter().map(u64::to_string).collect();
        let more = if doubtful.rows > lines.len() as u64 { ", …" } else { "" };
        warnings.push(format!(
            "the passwords of {} fall short of the vendor's documented policy or hold the user's name (line {}{more})",
            text::count(doubtful.rows, "row"),
            lines.join(", ")
        ));
    }
    let ignored = &layout.ignored;
    if !ignored.is_empty() {
        warnings.push(text::printable(&format!("ignored columns: {}", ignored.join(", "))));
    }
    warnings
}

/// Lists the lines that cannot be used.
pub(crate) fn defect_lines(survey: &Survey) -> impl Iterator<Item = String> + '_ {
    survey.defects.iter().map(|defect| format!("line {}: {}", defect.line, text::clean(&defect.reason, 256)))
}

/// The run that a folder's log tells of.
pub(crate) fn read_past(run_dir: &Path) -> Result<Past, Failure> {
    let path = run_dir.join(LOG);
    match Past::read(&path) {
        Ok(Some(past)) => Ok(past),
        Ok(None) => Err(Failure::new(66, format!("{} holds no run yet", path.display()))),
        Err(Damage::Io(error)) if matches!(error.kind(), NotFound | NotADirectory) => {
            Err(status::no_run(run_dir))
        }
        Err(Damage::Io(error)) => Err(Failure::new(66, format!("{}: {error}", path.display()))),
        Err(damage) => Err(Failure::new(65, format!("{} cannot be trusted: {damage}", path.display()))),
    }
}

/// The command line as it was typed, to be typed again.
pub(crate) fn same_command() -> String {
    typed(words())
}

/// The same without the switch that made it a rehearsal.
pub(crate) fn real_command() -> String {
    typed(words().filter(|word| word != "--dry-run"))
}

/// The command that tries the unfinished rows of this run again, with the same settings.
pub(crate) fn retry_command(run_dir: &Path, earlier: Option<&Path>) -> String {
    let run_dir = run_dir.display().to_string();
    let mut retry = Vec::new();
    let mut words = words();
    while let Some(word) = words.next() {
        match word.as_str() {
            "run" if !retry.contains(&run_dir) => retry.extend(["retry".to_owned(), run_dir.clone()]),
            // A retry has a folder of its own, and knows which rows are its own.
            "--run-dir" | "--shard" => _ = words.next(),
            "--again" => {}
            _ if word.starts_with("--run-dir=") || word.starts_with("--shard=") => {}
            _ if earlier.is_some_and(|earlier| word == *earlier.to_string_lossy()) => {
                retry.push(run_dir.clone());
            }
            _ => retry.push(word),
        }
    }
    typed(retry.into_iter())
}

/// The words of the command line.
fn words() -> impl Iterator<Item = String> {
    std::env::args_os().map(|word| word.to_string_lossy().into_owned())
}

fn typed(words: impl Iterator<Item = String>) -> String {
    words.map(|word| quoted(&word)).collect::<Vec<_>>().join(" ")
}

/// A word as a POSIX shell takes it. What a terminal must not see is written as POSIX.1-2024 and
/// the shells before it write it: `$'\033'`.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./:=@%+,".contains(&b);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    if !word.contains(text::is_dangerous) {
        return format!("'{}'", word.replace('\'', r"'\''"));
    }
    let escaped = word.chars().fold(String::new(), |escaped, c| match c {
        '\'' | '\\' => escaped + "\\" + c.encode_utf8(&mut [0; 4]),
        // Three digits end an octal escape, whatever digit follows.
        c if text::is_dangerous(c) => {
            c.encode_utf8(&mut [0; 4]).bytes().fold(escaped, |escaped, byte| format!("{escaped}\\{byte:03o}"))
        }
        c => escaped + c.encode_utf8(&mut [0; 4]),
    });
    format!("$'{escaped}'")
}
