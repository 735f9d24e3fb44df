//! A disk that hangs fails, instead of keeping the program for ever.

use std::io;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// How long the disk may take for one thing before it counts as broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// In steps: a process that is stopped for a while uses up one of them, and not its patience.
const STEPS: u32 = 10;

/// What can be expected of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Nothing has failed yet.
    Sound,
    /// A write or a sync has failed.
    Failed,
    /// One of them has not returned, so that no other can be expected to.
    Stuck,
}

impl State {
    /// What [`within`] leaves behind with this error.
    pub(crate) fn after(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::TimedOut { Self::Stuck } else { Self::Failed }
    }
}

/// Does what a disk may keep for ever. What takes longer than `patience` has failed: it is left to
/// itself, and may happen later all the same.
pub(crate) async fn within<T: Send + 'static>(
    patience: Duration,
    job: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let mut job = spawn_blocking(job);
    for _ in 0..STEPS {
        if let Ok(done) = timeout(patience / STEPS, &mut job).await {
            return done.unwrap_or_else(|lost| match lost.try_into_panic() {
                // Ours as well. As an error it would be told in words, and they may hold a value.
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(lost) => Err(io::Error::other(lost)),
            });
        }
    }
    let words = format!("the disk has not answered for {} s", patience.as_secs());
    Err(io::Error::new(io::ErrorKind::TimedOut, words))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn what_hangs_has_failed_after_a_while() {
        let (held, job) = mpsc::channel::<()>();
        let hangs = within(Duration::from_millis(50), move || {
            let _ = job.recv();
            Ok(())
        });
        assert_eq!(hangs.await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        drop(held);
    }

    #[tokio::test(start_paused = true)]
    async fn what_ends_says_how() {
        assert_eq!(within(PATIENCE, || Ok(7)).await.unwrap(), 7);
        let error = within(PATIENCE, || Err::<(), _>(io::ErrorKind::StorageFull.into())).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }
}
