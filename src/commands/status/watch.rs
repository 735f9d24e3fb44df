//! `status --watch`: the same answer until there is nothing to wait for.

use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::facts::{Facts, State};
use super::{json_line, lines, sentence, state_words};
use crate::commands::{Failure, print};
use crate::domain::text::printable;
use crate::folder::lock::{Lock, Standing, folder_lock};

/// Between two looks at the log.
const PAUSE: Duration = Duration::from_secs(1);
/// Between two looks at the lock, so that the end is seen at once.
const GLANCE: Duration = Duration::from_millis(100);

/// Says where the run stands until it ends, or nobody listens any more.
pub(super) fn watch(run_dir: &Path, json: bool) -> Result<u8, Failure> {
    let is_screen =
        !json && io::stdout().is_terminal() && std::env::var_os("TERM").is_some_and(|term| term != "dumb");
    let mut last = String::new();
    loop {
        let began = Instant::now();
        let facts = Facts::read(run_dir)?;
        let words = words(&facts, json, is_screen);
        if (is_screen || words != last) && !print(words.as_bytes()) {
            return Ok(0);
        }
        last = words;
        if let Some(code) = facts.verdict() {
            return Ok(code);
        }
        // A long log takes long to read: most of the time is the run's.
        rest(run_dir, PAUSE.max(4 * began.elapsed()));
    }
}

fn words(facts: &Facts, json: bool, is_screen: bool) -> String {
    if json {
        return json_line(facts);
    }
    if !is_screen {
        // Not what changes all the time: the PATCHes in the air.
        let ended =
            if facts.state == State::Running { String::new() } else { format!("; {}", state_words(facts)) };
        return printable(&format!("{}{ended}", sentence(facts))) + "\n";
    }
    // From the top left corner over what stands there; then nothing below it.
    let drawn = lines(facts).iter().map(|line| printable(line) + "\x1b[K\n").collect::<String>();
    format!("\x1b[H{drawn}\x1b[J")
}

/// Waits so long, or until nobody holds the folder any more.
fn rest(run_dir: &Path, pause: Duration) {
    let end = Instant::now() + pause;
    while Instant::now() < end && matches!(Lock::standing(&folder_lock(run_dir)), Standing::Held(_)) {
        thread::sleep(GLANCE);
    }
}
