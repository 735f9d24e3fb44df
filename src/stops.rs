//! What ends a run from outside: signals and the clock.

use std::future::pending;
use std::io;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, sleep_until};

use crate::domain::stop::Stop;

/// How long requests in the air may take to land after a stop.
pub(crate) const GRACE: Duration = Duration::from_secs(10);

/// The listeners.
#[derive(Debug)]
pub(crate) struct Stops {
    hangup: Signal,
    interrupt: Signal,
    terminate: Signal,
    deadline: Option<Instant>,
    signalled: bool,
}

/// From now on a file size limit is an error of the write (EFBIG) and not the end of the process.
/// Once installed, tokio's handler stays for the life of the process. Needs a runtime's context.
pub(crate) fn outlive_file_size_limit() -> io::Result<()> {
    signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw())).map(drop)
}

impl Stops {
    /// Listens from now on.
    pub(crate) fn new(deadline: Option<Instant>) -> io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            deadline,
            signalled: false,
        })
    }

    /// Waits for the next reason to stop. A second signal does not come back: it leaves at once,
    /// which is safe, since whatever the run rests on is on disk already.
    pub(crate) async fn next(&mut self) -> Stop {
        let stop = tokio::select! {
            _ = self.hangup.recv() => Stop::Signal(1),
            _ = self.interrupt.recv() => Stop::Signal(2),
            _ = self.terminate.recv() => Stop::Signal(15),
            () = until(self.deadline) => Stop::Deadline,
        };
        match stop {
            Stop::Signal(_) if self.signalled => std::process::exit(i32::from(stop.exit_code())),
            Stop::Signal(_) => self.signalled = true,
            _ => self.deadline = None,
        }
        stop
    }
}

/// Waits for an instant, for ever without one.
pub(crate) async fn until(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => pending().await,
    }
}
