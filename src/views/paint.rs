//! Colours, where they are wanted: a word has the same one in the bar, in the table and in front of an error.

use std::fmt::Display;

/// What a word says of how it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Nothing.
    Plain,
    /// Well.
    Good,
    /// It waits, or nobody knows.
    Doubt,
    /// Badly.
    Bad,
    /// More is.
    Strong,
}

/// Whether there are colours.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paint(pub(crate) bool);

impl Paint {
    /// A text in the colour of its tone. Widths are counted before this.
    pub(crate) fn on(self, tone: Tone, text: impl Display) -> String {
        let code = match tone {
            Tone::Good => "32",
            Tone::Doubt => "33",
            Tone::Bad => "1;31",
            Tone::Strong => "1",
            Tone::Plain => return text.to_string(),
        };
        if self.0 { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_string() }
    }
}

/// The tone of a family of outcomes.
pub(crate) fn tone_of(family: &str) -> Tone {
    match family {
        "updated" | "would_update" => Tone::Good,
        "failed" => Tone::Bad,
        "unknown" | "pending" => Tone::Doubt,
        _ => Tone::Plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_colours_there_are_no_codes() {
        assert_eq!(Paint(false).on(Tone::Bad, 3), "3");
        assert_eq!(Paint(true).on(Tone::Bad, 3), "\u{1b}[1;31m3\u{1b}[0m");
        assert_eq!(Paint(true).on(Tone::Plain, 3), "3");
    }
}
