//! What ends a run from outside: signals and the clock.
//!
//! Signals are heard on a thread of their own, so that a program that is busy with a big INPUT, with
//! a lock that is not free or with a slow disk is stopped by them as well.

use std::fs;
use std::future::pending;
use std::io;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep_until};

use crate::domain::stop::Stop;

/// How long requests in the air may take to land after a stop.
pub(crate) const GRACE: Duration = Duration::from_secs(10);

/// How long the last words before leaving at once may take: nobody may be reading them.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// From now on a file size limit is an error of the write (EFBIG) and not the end of the process.
/// Once installed, tokio's handler stays for the life of the process. Needs a runtime's context.
pub(crate) fn outlive_file_size_limit() -> io::Result<()> {
    signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw())).map(drop)
}

/// The ear for signals.
#[derive(Debug)]
pub(crate) struct Signals(Arc<Mutex<Heard>>);

/// Prints a line, and keeps everybody else from printing one after it for as long as the lock lives.
type LastLine = fn(&str) -> io::StderrLock<'static>;

/// What a signal does.
#[derive(Debug)]
struct Heard {
    /// Tells the loop to stop; without it the program leaves at once. That is safe at any time,
    /// since whatever the run rests on is on disk already.
    tell: Option<UnboundedSender<Stop>>,
    /// What to say when leaving at once, after which signal it was.
    words: String,
}

impl Signals {
    /// Listens from now on. Until there is work to be stopped, a signal ends the program; `say`
    /// says so, with these words.
    pub(crate) fn listen(say: LastLine, words: String) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_io().build()?;
        let context = runtime.enter();
        let ignored = ignored();
        let ear =
            |kind: SignalKind| (!ignored.contains(&kind.as_raw_value())).then(|| signal(kind)).transpose();
        let ears = Ears {
            hangup: ear(SignalKind::hangup())?,
            interrupt: ear(SignalKind::interrupt())?,
            terminate: ear(SignalKind::terminate())?,
        };
        drop(context);
        let heard = Arc::new(Mutex::new(Heard { tell: None, words }));
        let shared = Arc::clone(&heard);
        thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || hear(&runtime, ears, &shared, say))?;
        Ok(Self(heard))
    }

    /// Hears nothing: a run in paused time is stopped by its own clock only.
    #[cfg(test)]
    pub(crate) fn deaf() -> Self {
        Self(Arc::new(Mutex::new(Heard { tell: None, words: String::new() })))
    }

    /// From now on the first signal is told to the loop, and only the next one leaves at once.
    pub(crate) fn stops(&self, deadline: Option<Instant>, words: String) -> Stops {
        let (tell, told) = unbounded_channel();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Heard { tell: Some(tell), words };
        Stops { told, deadline }
    }

    /// As before [`Signals::stops`]: a signal ends the program. If one came in time to stop what is over now,
    /// it is that.
    pub(crate) fn leave_at_once(&self, mut stops: Stops) -> Option<Stop> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).tell = None;
        stops.told.try_recv().ok()
    }
}

/// One listener for each signal that we were not told to ignore.
struct Ears {
    hangup: Option<Signal>,
    interrupt: Option<Signal>,
    terminate: Option<Signal>,
}

fn hear(runtime: &Runtime, mut ears: Ears, heard: &Mutex<Heard>, say: LastLine) {
    runtime.block_on(async {
        loop {
            let stop = tokio::select! {
                () = next(&mut ears.hangup) => Stop::Signal(1),
                () = next(&mut ears.interrupt) => Stop::Signal(2),
                () = next(&mut ears.terminate) => Stop::Signal(15),
            };
            // Kept while leaving, so that no work begins meanwhile.
            let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
            match heard.tell.take() {
                // Nobody listens any more when the work is done: then it is only not waited for.
                Some(tell) => _ = tell.send(stop),
                None => leave(&stop, &heard.words, say),
            }
        }
    });
}

async fn next(ear: &mut Option<Signal>) {
    match ear {
        Some(signal) => _ = signal.recv().await,
        None => pending().await,
    }
}

fn leave(stop: &Stop, words: &str, say: LastLine) -> ! {
    let line = format!("{}{words}", stop.sentence());
    let (said, wait) = mpsc::channel();
    let saying = thread::Builder::new().spawn(move || {
        // Never let go: other threads go on until the very end.
        std::mem::forget(say(&line));
        let _ = said.send(());
    });
    if saying.is_ok() {
        let _ = wait.recv_timeout(LAST_WORDS);
    }
    std::process::exit(i32::from(stop.exit_code()))
}

/// Signals that we were started to ignore, as below nohup(1) or in the background of a script.
/// Whoever asks for that wants the run to outlive them.
fn ignored() -> Vec<i32> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    (1..=64).filter(|number| mask >> (number - 1) & 1 == 1).collect()
}

/// What stops the work.
#[derive(Debug)]
pub(crate) struct Stops {
    told: UnboundedReceiver<Stop>,
    deadline: Option<Instant>,
}

impl Stops {
    /// For work that somebody else ends, with what it is told by.
    pub(crate) fn told() -> (UnboundedSender<Stop>, Self) {
        let (tell, told) = unbounded_channel();
        (tell, Self { told, deadline: None })
    }

    /// Waits for the next reason to stop.
    pub(crate) async fn next(&mut self) -> Stop {
        tokio::select! {
            Some(stop) = self.told.recv() => stop,
            () = until(self.deadline) => {
                self.deadline = None;
                Stop::Deadline
            }
        }
    }
}

/// Waits for an instant, for ever without one.
pub(crate) async fn until(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => pending().await,
    }
}
