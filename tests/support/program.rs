//! The real executable, started the way people and cron start it.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;

/// A command line to be run, in an empty environment.
#[derive(Debug)]
pub(crate) struct Program {
    pub(super) command: Command,
    stdin: Vec<u8>,
}

/// A process that has ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A process that goes on.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    stdout: Option<JoinHandle<String>>,
    stderr: Option<JoinHandle<String>>,
}

impl Program {
    pub(crate) fn new<I: AsRef<OsStr>>(args: impl IntoIterator<Item = I>) -> Self {
        Self::wrapped(heedful(env!("CARGO_BIN_EXE_scim-rekey")), args)
    }

    /// The same below a shell that first runs `prelude`, for limits such as `ulimit -f 8`.
    pub(crate) fn below_shell<I: AsRef<OsStr>>(prelude: &str, args: impl IntoIterator<Item = I>) -> Self {
        let mut shell = heedful("sh");
        shell.arg("-c").arg(format!("{prelude}; exec \"$0\" \"$@\"")).arg(env!("CARGO_BIN_EXE_scim-rekey"));
        Self::wrapped(shell, args)
    }

    /// The same below another program that is given these arguments first, such as strace.
    pub(crate) fn below<I: AsRef<OsStr>>(
        tool: &str,
        first: impl IntoIterator<Item = I>,
        args: impl IntoIterator<Item = I>,
    ) -> Self {
        let mut command = Command::new(tool);
        command.args(first).arg(env!("CARGO_BIN_EXE_scim-rekey"));
        Self::wrapped(command, args)
    }

    fn wrapped<I: AsRef<OsStr>>(mut command: Command, args: impl IntoIterator<Item = I>) -> Self {
        command.args(args).env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        // What the coverage and sanitizer tools of the tests' own run need, and nothing else.
        for name in ["LLVM_PROFILE_FILE", "LD_LIBRARY_PATH"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        Self { command, stdin: Vec::new() }
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn without_env(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    pub(crate) fn args<I: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = I>) -> Self {
        self.command.args(args);
        self
    }

    /// Started in this folder.
    pub(crate) fn in_folder(mut self, folder: impl AsRef<Path>) -> Self {
        self.command.current_dir(folder);
        self
    }

    pub(crate) fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    pub(crate) fn start(mut self) -> Running {
        let mut child = self.command.spawn().expect("the program starts");
        let mut stdin = child.stdin.take().unwrap();
        let bytes = std::mem::take(&mut self.stdin);
        std::thread::spawn(move || _ = stdin.write_all(&bytes));
        let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let stdout = Some(std::thread::spawn(move || read(&mut out)));
        let stderr = Some(std::thread::spawn(move || read(&mut err)));
        Running { child, stdout, stderr }
    }

    pub(crate) fn run(self) -> Finished {
        self.start().wait()
    }
}

/// A program that heeds signals, also where the tests themselves were started to ignore them, as
/// below nohup or in the background of a script.
fn heedful(program: &str) -> Command {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    // SIGHUP, SIGINT and SIGTERM are 1, 2 and 15.
    if ignored & 0x4003 == 0 {
        return Command::new(program);
    }
    let mut env = Command::new("env");
    env.args(["--default-signal=HUP,INT,TERM", program]);
    env
}

fn read(pipe: &mut impl std::io::Read) -> String {
    let mut bytes = Vec::new();
    let _ = pipe.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Running {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal, by the name that kill(1) knows.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.pid().to_string()]).status();
        assert!(status.is_ok_and(|status| status.success()), "kill -s {name}");
    }

    /// Waits until it listens for this signal, by number, as Linux shows it.
    #[track_caller]
    pub(crate) fn listens(&mut self, signal: u32) {
        let caught = |status: &str| {
            let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"))?;
            u64::from_str_radix(mask.trim(), 16).ok()
        };
        super::until("it listens", || {
            let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap_or_default();
            assert!(self.is_alive(), "it ended without having listened");
            // Not the shell that it was started by.
            let is_ours = status.starts_with("Name:\tscim-rekey\n");
            is_ours && caught(&status).is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
        });
    }

    /// Whether it has not ended yet.
    pub(crate) fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    pub(crate) fn wait(mut self) -> Finished {
        let status = self.child.wait().unwrap();
        let text = |thread: &mut Option<JoinHandle<String>>| thread.take().unwrap().join().unwrap();
        let finished = Finished { status, stdout: text(&mut self.stdout), stderr: text(&mut self.stderr) };
        assert!(!finished.stderr.contains("RUST_BACKTRACE"), "{}", finished.stderr);
        finished
    }
}

impl Drop for Running {
    /// A test that fails half-way leaves no process behind.
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

impl Finished {
    /// The exit code, -1 when a signal ended it.
    pub(crate) fn code(&self) -> i32 {
        self.status.code().unwrap_or(-1)
    }

    pub(crate) fn last_line(&self) -> &str {
        self.stderr.lines().last().unwrap_or_default()
    }

    /// Checks the exit code; shows what was printed if it is another.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code(), code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }
}
