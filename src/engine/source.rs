//! Where rows come from: a file, whose rows are all there, or callers, who come when they come.

use crate::audit::record::{Delivery, ServeAuth};
use crate::domain::event::Done;
use crate::domain::target::Row;
use crate::input::InputError;

/// What a source has at the moment.
#[derive(Debug)]
pub(crate) enum Next {
    /// A row, and on whose word, where that has to be on record.
    Row(Row, Option<Box<ServeAuth>>),
    /// Nothing yet.
    NotNow,
    /// Nothing any more.
    End,
    /// The rows cannot be read any further.
    Lost(InputError),
}

/// A source of rows.
pub(crate) trait Source {
    /// What there is.
    fn next(&mut self) -> Next;

    /// Waits until there may be more than nothing. It may be dropped and called again at any time.
    async fn wait(&mut self);

    /// The end of a row is on disk.
    fn settled(&mut self, done: &Done);

    /// What became of an attempt to tell the row's user is on disk.
    fn told(&mut self, line: u64, delivery: Delivery);
}

/// The rows of a file.
#[derive(Debug)]
pub(crate) struct Rows<R>(pub(crate) R);

impl<R: Iterator<Item = Result<Row, InputError>>> Source for Rows<R> {
    fn next(&mut self) -> Next {
        match self.0.next() {
            None => Next::End,
            Some(Ok(row)) => Next::Row(row, None),
            Some(Err(error)) => Next::Lost(error),
        }
    }

    async fn wait(&mut self) {
        std::future::pending::<()>().await;
    }

    fn settled(&mut self, _: &Done) {}

    fn told(&mut self, _: u64, _: Delivery) {}
}
