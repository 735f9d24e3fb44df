//! The judge: a Python program that knows nothing of our code, and reads what the program left
//! with a CSV reader, a JSON reader and a SHA-256 of its own.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;

use scim_rekey::sandbox::Truth;
use serde_json::json;

use super::Stage;

/// One process for many cases, since starting Python takes longer than judging.
pub(crate) struct Judge {
    child: Child,
    pipes: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
}

impl Judge {
    pub(crate) fn new() -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judge.py");
        let mut python = Command::new("python3");
        let mut child = python.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let pipes = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, pipes: Mutex::new(pipes) }
    }

    /// What is wrong with a run. `patches` is the most that may have been sent in a run that has
    /// come to its end; nothing for one that was killed or has failed on the way.
    pub(crate) fn violations(
        &self,
        input: &Path,
        run_dir: &Path,
        truth: &Truth,
        patches: Option<u64>,
    ) -> Vec<String> {
        let case = json!({ "input": input, "run_dir": run_dir, "truth": truth, "patches": patches });
        let mut pipes = self.pipes.lock().unwrap();
        writeln!(pipes.0, "{case}").unwrap();
        let mut answer = String::new();
        pipes.1.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).expect("the judge answers")
    }

    /// A run that was killed or has failed: what was sent was declared, and no record is damaged.
    #[track_caller]
    pub(crate) fn midway(&self, stage: &Stage, what: &str) {
        let wrong = self.violations(&stage.input(), &stage.run_dir(), &stage.truth(), None);
        assert!(wrong.is_empty(), "{what}: {wrong:#?}");
    }

    /// A run that has come to its end: nothing is lost, doubled or false.
    #[track_caller]
    pub(crate) fn end(&self, stage: &Stage, what: &str, patches: u64) {
        let wrong = self.violations(&stage.input(), &stage.run_dir(), &stage.truth(), Some(patches));
        assert!(wrong.is_empty(), "{what}: {wrong:#?}");
    }
}

impl Drop for Judge {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
