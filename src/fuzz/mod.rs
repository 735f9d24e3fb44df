//! What hostile bytes may never do, one function for each place at which bytes come in.
//!
//! Each function takes any bytes and panics when a promise is broken. It holds the program to an
//! oracle: a second, slower and plainer reading of the same bytes. `tests/fuzz/run` calls them
//! from libFuzzer; the tests below replay what it found worth keeping, in `fixtures/fuzz`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "an oracle that cannot go on has found something"
)]
#![cfg_attr(not(fuzzing), expect(unreachable_pub, reason = "public for the fuzzers alone"))]

mod audit_replay;
mod csv_input;
mod csv_oracle;
mod filter;
mod json;
mod log_story;
mod lookup;
mod retry_after;
mod scim_replies;

#[cfg(test)]
mod near_misses;

pub use audit_replay::audit_replay;
pub use csv_input::csv_input;
pub use filter::filter;
pub use retry_after::retry_after;
pub use scim_replies::scim_replies;

#[cfg(test)]
mod tests {
    use std::path::Path;

    /// Replays the corpus of one target.
    fn replay(name: &str, target: fn(&[u8])) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/fuzz").join(name);
        let mut replayed = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            // Shown only when the target panics.
            println!("{}", path.display());
            target(&std::fs::read(path).unwrap());
            replayed += 1;
        }
        assert!(replayed >= 20, "{name}: a corpus of {replayed}");
    }

    #[test]
    fn csv_input() {
        replay("csv_input", super::csv_input);
    }

    #[test]
    fn retry_after() {
        replay("retry_after", super::retry_after);
    }

    #[test]
    fn scim_replies() {
        replay("scim_replies", super::scim_replies);
    }

    #[test]
    fn filter() {
        replay("filter", super::filter);
    }

    #[test]
    fn audit_replay() {
        replay("audit_replay", super::audit_replay);
    }
}
