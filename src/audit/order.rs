//! What may come after what: a file holds one run after another, and a run one process after another.
//!
//! The chain alone shows that lines belong together. This shows that nobody has added lines where
//! no process of ours would have written them.

use super::record::Line;

/// How far the file has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    /// No run yet.
    #[default]
    Nothing,
    /// A process works, or died at work.
    Working,
    /// A process ended in order, before the last row.
    Stopped,
    /// So did one that left no row.
    Complete,
}

/// The order so far.
#[derive(Debug, Default)]
pub(crate) struct Order {
    state: State,
    run_id: String,
}

impl Order {
    /// Checks that the line may come here, and moves on to it.
    pub(crate) fn follow(&mut self, line: &Line<'_>) -> Result<(), &'static str> {
        self.state = match (&*line.kind, self.state) {
            ("run_start", State::Nothing | State::Complete) => {
                self.run_id = line.run_id.to_string();
                State::Working
            }
            ("run_start", _) => return Err("a run begins before the one above it is complete"),
            (_, State::Nothing) => return Err("the log does not begin with run_start"),
            _ if *line.run_id != *self.run_id => return Err("a record of another run"),
            // Stands after so many lines, whichever they are.
            ("checkpoint", state) => state,
            (_, State::Complete) => return Err("a record after the end of its run"),
            ("resume", _) => State::Working,
            (_, State::Stopped) => return Err("a record after the end of its process"),
            ("run_end", State::Working) if line.complete => State::Complete,
            ("run_end", State::Working) => State::Stopped,
            (_, State::Working) => State::Working,
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The place of the first word that may not stand where it does, from 1.
    fn refused(words: &[&str]) -> Option<usize> {
        let mut order = Order::default();
        let refused = words.iter().position(|word| {
            let (kind, run) = word.split_once('@').unwrap_or((word, "a"));
            let (kind, complete) = if kind == "complete" { ("run_end", true) } else { (kind, false) };
            let text = format!(
                r#"{{"v":1,"seq":1,"ts":"","run_id":"{run}","kind":"{kind}","complete":{complete},"prev":"","hash":""}}"#
            );
            order.follow(&serde_json::from_str(&text).unwrap()).is_err()
        });
        refused.map(|place| place + 1)
    }

    #[test]
    fn runs_and_processes_follow_one_another() {
        for (words, place) in [
            (&["run_start", "token", "intent", "result", "complete"][..], None),
            (&["run_start", "intent", "resume", "result", "run_end", "resume", "complete"], None),
            (&["run_start", "complete", "run_start@b", "skip@b", "complete@b"], None),
            (&["run_start", "complete", "checkpoint", "run_start@b"], None),
            (&["run_start", "run_end", "checkpoint", "resume"], None),
            (&["token"], Some(1)),
            (&["resume"], Some(1)),
            (&["checkpoint"], Some(1)),
            (&["run_start", "run_start"], Some(2)),
            (&["run_start", "run_end", "run_start"], Some(3)),
            (&["run_start", "result@b"], Some(2)),
            (&["run_start", "checkpoint@b"], Some(2)),
            (&["run_start", "run_end", "result"], Some(3)),
            (&["run_start", "complete", "result"], Some(3)),
            (&["run_start", "complete", "resume"], Some(3)),
            (&["run_start", "complete", "complete"], Some(3)),
        ] {
            assert_eq!(refused(words), place, "{words:?}");
        }
    }
}
