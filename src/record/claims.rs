//! Whether an account is another row's: what memory suspects, the log decides.

use std::collections::HashMap;

use crate::audit::accounts::{Accounts, is_same};
use crate::audit::ledger::Ledger;
use crate::audit::log::Log;
use crate::domain::outcome::Standing;

/// The claims of one run.
#[derive(Debug)]
pub(super) struct Claims {
    accounts: Accounts,
    /// Accounts of rows of which no line of the log tells yet.
    unlogged: HashMap<u64, String>,
}

impl Claims {
    /// Goes on with what is known.
    pub(super) fn new(accounts: Accounts) -> Self {
        Self { accounts, unlogged: HashMap::new() }
    }

    /// Claims an account for a row; the row that has it already, if another.
    pub(super) fn claim(&mut self, user_id: &str, line: u64, ledger: &Ledger, log: &Log) -> Option<u64> {
        // A log that cannot be read vouches for nobody.
        let in_log = |row| ledger.offset(row).map(|offset| log.account_at(offset));
        let has_it = |row: &u64| match (self.unlogged.get(row), in_log(*row)) {
            (Some(account), _) => is_same(account, user_id),
            (None, Some(Ok(account))) => {
                self.accounts.has_moved(*row) || account.is_some_and(|account| is_same(&account, user_id))
            }
            (None, Some(Err(_))) => true,
            (None, None) => false,
        };
        // What was declared was claimed before, whoever has been refused it since.
        let declared = ledger.standing(line) == Standing::InDoubt;
        let before = in_log(line).and_then(Result::ok).flatten();
        let is_before = before.as_deref().map(|before| is_same(before, user_id));
        if declared && is_before == Some(true) {
            return None;
        }
        let suspects = self.accounts.suspects(user_id);
        let first = suspects.lines.iter().copied().filter(|row| *row != line).find(has_it);
        if first.is_some() {
            return first;
        }
        if is_before == Some(false) {
            self.accounts.note_moved(line);
        }
        self.accounts.claim(&suspects, line);
        self.unlogged.insert(line, user_id.to_owned());
        None
    }

    /// A row has nothing to do with this account after all.
    pub(super) fn release(&mut self, user_id: &str, line: u64) {
        self.accounts.release(user_id, line);
    }

    /// From now on the log tells which account the row has claimed.
    pub(super) fn logged(&mut self, line: u64) {
        self.unlogged.remove(&line);
    }
}
