//! Counts of outcomes: what the bar, the summary and the exit code are made from.

use super::outcome::{Mfa, Outcome};

/// How many rows ended in which way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    outcomes: [u64; Outcome::ALL.len()],
    mfa: [u64; Mfa::ALL.len()],
}

impl Tally {
    /// Counts a row.
    pub(crate) fn add(&mut self, outcome: Outcome, mfa: Mfa) {
        self.outcomes[outcome.index()] += 1;
        self.mfa[mfa as usize] += 1;
    }

    /// Takes a row back, because it has a newer end.
    pub(crate) fn remove(&mut self, outcome: Outcome, mfa: Mfa) {
        self.outcomes[outcome.index()] -= 1;
        self.mfa[mfa as usize] -= 1;
    }

    /// Rows of one outcome.
    pub(crate) fn of(&self, outcome: Outcome) -> u64 {
        self.outcomes[outcome.index()]
    }

    /// Rows whose reply said this about MFA.
    pub(crate) fn mfa(&self, mfa: Mfa) -> u64 {
        self.mfa[mfa as usize]
    }

    /// Rows of one family.
    pub(crate) fn family(&self, family: &str) -> u64 {
        self.each().filter(|(outcome, _)| outcome.family() == family).map(|(_, rows)| rows).sum()
    }

    /// Rows of any outcome.
    pub(crate) fn total(&self) -> u64 {
        self.outcomes.iter().sum()
    }

    /// Every outcome with its rows, in the order of the documentation, those without rows too.
    pub(crate) fn each(&self) -> impl Iterator<Item = (Outcome, u64)> + '_ {
        Outcome::ALL.into_iter().zip(self.outcomes.iter().copied())
    }

    /// The outcomes that have rows and a reason.
    pub(crate) fn reasons(&self) -> impl Iterator<Item = (Outcome, u64)> + '_ {
        self.each().filter(|(outcome, rows)| *rows > 0 && !outcome.reason().is_empty())
    }

    /// The families in order, with their rows.
    pub(crate) fn families(&self) -> Vec<(&'static str, u64)> {
        let mut families: Vec<(&'static str, u64)> = Vec::new();
        for (outcome, rows) in self.each() {
            match families.last_mut() {
                Some((name, sum)) if *name == outcome.family() => *sum += rows,
                _ => families.push((outcome.family(), rows)),
            }
        }
        families
    }

    /// "3 updated, 1 failed": the families that have rows.
    pub(crate) fn sentence(&self) -> String {
        let parts: Vec<String> = self
            .families()
            .into_iter()
            .filter(|(_, rows)| *rows > 0)
            .map(|(name, rows)| format!("{rows} {name}"))
            .collect();
        if parts.is_empty() { "nothing done".to_owned() } else { parts.join(", ") }
    }

    /// The exit code of a run that came to its last row.
    pub(crate) fn exit_code(&self) -> u8 {
        match (self.family("pending"), self.family("unknown"), self.family("failed")) {
            (1.., _, _) => 75,
            (0, 1.., _) => 4,
            (0, 0, 1..) => 3,
            (0, 0, 0) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::outcome::{Doubt, Fail, Pause};
    use super::*;

    #[test]
    fn the_worst_family_decides_the_exit_code() {
        let mut tally = Tally::default();
        assert_eq!((tally.exit_code(), tally.sentence().as_str()), (0, "nothing done"));
        let steps = [
            (Outcome::Updated, 0),
            (Outcome::Failed(Fail::NotFound), 3),
            (Outcome::Unknown(Doubt::ReplyLost), 4),
            (Outcome::Pending(Pause::Throttled), 75),
        ];
        for (outcome, code) in steps {
            tally.add(outcome, Mfa::None);
            assert_eq!(tally.exit_code(), code);
        }
        assert_eq!(tally.sentence(), "1 updated, 1 failed, 1 unknown, 1 pending");
        tally.remove(Outcome::Pending(Pause::Throttled), Mfa::None);
        assert_eq!((tally.exit_code(), tally.total(), tally.mfa(Mfa::None)), (4, 3, 3));
    }
}
