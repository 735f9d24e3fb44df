//! Owns the script at run time: which rule strikes a request.
//!
//! Nothing here is random: the same requests in the same order meet the same faults.

use std::sync::Arc;

use super::action::Action;
use super::faults::Fault;
use super::truth::Kind;

/// The rules and how far each has come.
pub(super) struct Rules(Vec<Rule>);

struct Rule {
    fault: Fault,
    action: Arc<Action>,
    matched: u64,
    struck: u64,
}

impl Rules {
    pub(super) fn new(faults: Vec<Fault>) -> Self {
        let rule =
            |fault: Fault| Rule { action: Arc::new(fault.action.clone()), fault, matched: 0, struck: 0 };
        Self(faults.into_iter().map(rule).collect())
    }

    /// The action that strikes a request of this kind about this user, by name or id.
    pub(super) fn strike(&mut self, kind: Kind, user: Option<&str>, id: Option<&str>) -> Option<Arc<Action>> {
        let mut rules = self.0.iter_mut();
        let rule = rules.find_map(|rule| rule.strikes(kind, user, id).then_some(rule))?;
        Some(Arc::clone(&rule.action))
    }
}

impl Rule {
    fn strikes(&mut self, kind: Kind, user: Option<&str>, id: Option<&str>) -> bool {
        let fault = &self.fault;
        let about = |wanted: &String| {
            user.is_some_and(|name| name.eq_ignore_ascii_case(wanted)) || id == Some(wanted)
        };
        let matches =
            fault.on.covers(kind) && fault.action.fits(kind) && fault.user.as_ref().is_none_or(about);
        if !matches || fault.times.is_some_and(|times| self.struck >= times) {
            return false;
        }
        self.matched += 1;
        let turn = self.matched.saturating_sub(fault.skip);
        let strikes = turn > 0 && turn.is_multiple_of(fault.every.max(1));
        self.struck += u64::from(strikes);
        strikes
    }
}

#[cfg(test)]
mod tests {
    use super::super::faults::On;
    use super::*;

    fn pattern(fault: Fault) -> String {
        let mut rules = Rules::new(vec![fault]);
        let mut strike = || rules.strike(Kind::Patch, Some("a"), Some("1")).is_some();
        (0..8).map(|_| if strike() { 'x' } else { '.' }).collect()
    }

    #[test]
    fn counts_decide_which_requests_are_struck() {
        let fault = || Fault::new(On::Patch, Action::Html);
        assert_eq!(pattern(fault()), "x.......");
        assert_eq!(pattern(fault().skip(2).times(2)), "..xx....");
        assert_eq!(pattern(fault().every(3).forever()), "..x..x..");
        assert_eq!(pattern(fault().every(2).skip(1).times(2)), "..x.x...");
        assert_eq!(pattern(fault().user("A").forever()), "xxxxxxxx");
        assert_eq!(pattern(fault().user("1").times(1)), "x.......");
        assert_eq!(pattern(fault().user("b").forever()), "........");
        assert_eq!(pattern(Fault::new(On::Lookup, Action::Html)), "........");
    }

    #[test]
    fn the_first_rule_that_strikes_wins() {
        let first = Fault::new(On::Any, Action::Html).skip(1);
        let second = Fault::new(On::Any, Action::Garbage).forever();
        let mut rules = Rules::new(vec![first, second]);
        let mut name = || rules.strike(Kind::Token, None, None).map(|action| action.name());
        assert_eq!([name(), name(), name()], [Some("garbage"), Some("html"), Some("garbage")]);
    }
}
