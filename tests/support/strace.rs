//! The program below strace, which counts its system calls and makes them fail.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Program, Stage};

/// The program below strace.
#[derive(Debug, Clone, Default)]
pub(crate) struct Strace {
    options: Vec<String>,
    paths: Vec<PathBuf>,
}

/// How the end of a call is shown that others came in between of.
const ENDS: &str = "<... ";

/// One system call of a trace: the thread, the name, and all that strace shows. A call that others
/// come in between of is there twice: where it begins, and where it ends, as `<... `.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) thread: String,
    pub(crate) name: String,
    pub(crate) text: String,
}

/// The system calls of one run.
#[derive(Debug)]
pub(crate) struct Calls(pub(crate) Vec<Call>);

impl Strace {
    /// Watches these calls, and no others.
    pub(crate) fn of(calls: &[&str]) -> Self {
        Self { options: vec![format!("--trace={}", calls.join(","))], ..Self::default() }
    }

    /// Only what is done to this file, open or by name.
    pub(crate) fn on(mut self, path: impl Into<PathBuf>) -> Self {
        self.paths.push(path.into());
        self
    }

    /// Does this to a call, in strace's words: `fsync:error=EIO:when=3`.
    pub(crate) fn inject(mut self, what: &str) -> Self {
        self.options.push(format!("--inject={what}"));
        self
    }

    /// The program below it, with these arguments, and a stage's sandbox in its environment.
    pub(crate) fn program(&self, stage: &Stage, args: Vec<String>) -> Program {
        let mut first =
            vec!["-f".to_owned(), "-qq".to_owned(), "-y".to_owned(), "-s".to_owned(), "80".to_owned()];
        first.push(format!("--output={}", Self::trace(stage).display()));
        first.extend(self.options.iter().cloned());
        for path in &self.paths {
            first.extend(["-P".to_owned(), path.display().to_string()]);
        }
        stage.with_env(Program::below("strace", first, args))
    }

    /// What the last traced program of a stage did.
    pub(crate) fn calls(stage: &Stage) -> Calls {
        Calls::read(&Self::trace(stage))
    }

    fn trace(stage: &Stage) -> PathBuf {
        stage.home.path().join("strace.txt")
    }
}

impl Call {
    /// Whether it has ended well, here.
    pub(crate) fn is_done(&self) -> bool {
        self.text.rsplit_once(" = ").is_some_and(|(_, value)| !value.starts_with(['-', '?']))
    }

    /// Whether it begins here, on an open file.
    pub(crate) fn begins_on(&self, file: &Path) -> bool {
        self.text.contains(&format!("<{}>", file.display()))
    }
}

impl Calls {
    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        let call = |line: &str| {
            let (thread, rest) = line.split_once(char::is_whitespace)?;
            let rest = rest.trim_start();
            let name = rest.strip_prefix(ENDS).unwrap_or(rest);
            let (name, _) = name.split_once(|c: char| !c.is_ascii_alphanumeric() && c != '_')?;
            let call = Call { thread: thread.to_owned(), name: name.to_owned(), text: rest.to_owned() };
            (!name.is_empty()).then_some(call)
        };
        Self(text.lines().filter_map(call).collect())
    }

    /// How often the thread that made a call most often made it, for each call: strace counts each
    /// thread's calls apart.
    pub(crate) fn most(&self) -> BTreeMap<String, usize> {
        let mut times: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for call in self.0.iter().filter(|call| !call.text.starts_with(ENDS)) {
            *times.entry((&call.name, &call.thread)).or_default() += 1;
        }
        let mut most = BTreeMap::new();
        for ((name, _), times) in times {
            let entry: &mut usize = most.entry(name.to_owned()).or_default();
            *entry = times.max(*entry);
        }
        most
    }
}
