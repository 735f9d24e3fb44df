//! Owns how a handler tells the connection below it to misbehave.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::flood::Flood;

/// How the next response travels.
pub(super) enum Manner {
    /// TCP RST in its place.
    Reset,
    /// Its head and so many bytes of its body, then the end.
    Cut { body: usize },
    /// One byte each time, its head too or not.
    Drip { every: Duration, head_at_once: bool },
    /// A very long one in its place.
    Flood(Flood),
}

/// The handler's end of a connection: tells it how the next response travels.
#[derive(Clone, Default)]
pub(super) struct Remote(Arc<Shared>);

#[derive(Default)]
struct Shared {
    armed: AtomicBool,
    manner: Mutex<Option<Manner>>,
}

/// axum asks it of an address; there is nothing to tell.
impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Remote")
    }
}

impl Remote {
    pub(super) fn arm(&self, manner: Manner) {
        *self.manner() = Some(manner);
        self.0.armed.store(true, Ordering::Release);
    }

    /// Back to normal, for the next request of a connection that survived.
    pub(super) fn disarm(&self) {
        if self.armed() {
            *self.manner() = None;
            self.0.armed.store(false, Ordering::Release);
        }
    }

    pub(super) fn armed(&self) -> bool {
        self.0.armed.load(Ordering::Acquire)
    }

    pub(super) fn manner(&self) -> MutexGuard<'_, Option<Manner>> {
        self.0.manner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
