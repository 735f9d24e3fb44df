//! Callers of the service become rows of the engine, and the ends of rows become answers.
//!
//! Who asks twice with one key is answered once: what was asked is on record before anything is done, so that
//! this holds after a restart as well. Invariant: no two resets of one user are in work at the same time.

mod memory;

use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use self::memory::{Known, Memory, settled_as};
use crate::audit::record::{Delivery, ServeAuth};
use crate::audit::replay::Damage;
use crate::domain::attribute::Attribute;
use crate::domain::email::Email;
use crate::domain::event::Done;
use crate::domain::outcome::Outcome;
use crate::domain::secret::Secret;
use crate::domain::stop::Halt;
use crate::domain::target::{Defect, NewPassword, Row, Target, Value};
use crate::domain::text::{clean, hex};
use crate::engine::source::{Next, Source};
use crate::scim::client::Client;
use crate::service::desk::{Answer, Ask, Reset, Settled, Ticket, Who};

/// Where an answer is waited for.
type Reply = oneshot::Sender<Answer>;

/// What is known of a user who was asked for by id.
type Named = (Box<Reset>, Reply, Result<Option<Email>, Halt>);

/// As many questions are looked at before the engine has room for them.
const ARRIVED: usize = 64;

/// The source of rows that callers ask for.
#[derive(Debug)]
pub(crate) struct Reception {
    desk: mpsc::Receiver<Ticket>,
    client: Arc<Client>,
    attributes: Arc<[Attribute]>,
    tells: bool,
    memory: Memory,
    /// Resets in work: by number, who waits for them.
    working: HashMap<u64, Working>,
    arrived: VecDeque<Ticket>,
    naming: JoinSet<Named>,
    named: VecDeque<Named>,
    closed: bool,
}

#[derive(Debug)]
struct Working {
    likeness: String,
    reply: Option<Reply>,
    answer_by: Instant,
}

impl Reception {
    /// Nobody has asked yet; what was asked before is in the log.
    pub(crate) fn new(
        desk: mpsc::Receiver<Ticket>,
        client: Arc<Client>,
        attributes: Arc<[Attribute]>,
        tells: bool,
        log: &Path,
    ) -> Result<Self, Damage> {
        Ok(Self {
            desk,
            client,
            attributes,
            tells,
            memory: Memory::read(log, tells)?,
            working: HashMap::new(),
            arrived: VecDeque::new(),
            naming: JoinSet::new(),
            named: VecDeque::new(),
            closed: false,
        })
    }

    /// Answers a question, or finds out what row it comes to.
    fn hear(&mut self, (ask, reply): Ticket) -> Option<Next> {
        match ask {
            Ask::Show { caller, operation } => {
                let _ = reply.send(self.shown(&caller, &operation));
                None
            }
            Ask::Reset(reset) => self.consider(reset, reply),
        }
    }

    fn shown(&self, caller: &str, operation: &str) -> Answer {
        let number = operation.parse().ok();
        match number.and_then(|number| self.memory.of(caller, number)).map(|known| &known.settled) {
            None => Answer::Unknown,
            Some(Some(settled)) => Answer::Settled(settled.clone()),
            Some(None) => Answer::Running { operation: operation.to_owned() },
        }
    }

    fn consider(&mut self, reset: Box<Reset>, reply: Reply) -> Option<Next> {
        if let Some(answer) = self.answer_known(&reset) {
            let _ = reply.send(answer);
            return None;
        }
        match &reset.who {
            Who::Email(email) => {
                let email = email.clone();
                self.admit(&reset, reply, email, None)
            }
            Who::UserId(id) => {
                let (client, id) = (Arc::clone(&self.client), id.clone());
                self.naming.spawn(async move {
                    let named = client.address_of(&id).await;
                    (reset, reply, named)
                });
                None
            }
        }
    }

    /// What was asked with the same key before, as far as that is an answer.
    fn answer_known(&self, reset: &Reset) -> Option<Answer> {
        match self.memory.by_key(&reset.idempotency?)? {
            Known { fingerprint, .. } if *fingerprint != reset.fingerprint => Some(Answer::Mismatch),
            Known { number, .. } if self.working.contains_key(number) => Some(Answer::InFlight),
            Known { settled: Some(settled), .. } if is_final(settled.outcome) => {
                Some(Answer::Settled(Settled { replayed: true, ..settled.clone() }))
            }
            // Begun and never finished, or nobody knows how: the same once more.
            Known { .. } => None,
        }
    }

    /// A user who was asked for by id is looked up first. One of another domain is nobody's business.
    fn meet(&mut self, (reset, reply, named): Named) -> Option<Next> {
        let Ok(email) = named else {
            let _ = reply.send(Answer::Stopping);
            return None;
        };
        let email = email.filter(|email| is_of(email, &reset.domains));
        let Some(email) = email else {
            let _ = reply.send(Answer::Unknown);
            return None;
        };
        let account = match &reset.who {
            Who::UserId(id) => Some(id.as_str().into()),
            Who::Email(_) => None,
        };
        self.admit(&reset, reply, email, account)
    }

    /// The row that a reset comes to, and on whose word it is done.
    fn admit(
        &mut self,
        reset: &Reset,
        reply: Reply,
        email: Email,
        account: Option<Box<str>>,
    ) -> Option<Next> {
        let likeness = email.likeness();
        // Others may have asked with the same key while this user was looked up.
        let in_work = |working: &Working| working.likeness == likeness;
        let is_in_work = || self.working.values().any(in_work).then_some(Answer::InFlight);
        if let Some(answer) = self.answer_known(reset).or_else(is_in_work) {
            let _ = reply.send(answer);
            return None;
        }
        let again = reset.idempotency.and_then(|key| self.memory.by_key(&key)).map(|known| known.number);
        let number = again.unwrap_or_else(|| self.memory.next());
        let word = ServeAuth {
            line: number,
            caller: reset.caller.clone(),
            source: reset.source.to_string(),
            email: email.as_str().to_owned(),
            reason: clean(&reset.reason, 256),
            idempotency: reset.idempotency.map(|key| hex(&key)),
            fingerprint: hex(&reset.fingerprint),
        };
        self.memory.begun(&word);
        let answer_by = reset.answer_by;
        self.working.insert(number, Working { likeness, reply: Some(reply), answer_by });
        let row = match values(reset, &self.attributes) {
            Ok(attributes) => {
                let password = NewPassword::Wanted;
                Row::Sound(Target { line: number, email, password, phone: None, attributes, account })
            }
            Err(reason) => Row::Bad(Defect { line: number, email: Some(email.as_str().to_owned()), reason }),
        };
        Some(Next::Row(row, Some(Box::new(word))))
    }

    /// Whoever has waited as long as a request may take is told where to ask later.
    fn give_up_waiting(&mut self) {
        let now = Instant::now();
        for (number, working) in &mut self.working {
            if working.answer_by <= now
                && let Some(reply) = working.reply.take()
            {
                let _ = reply.send(Answer::Running { operation: number.to_string() });
            }
        }
    }

    fn next_answer(&self) -> Option<Instant> {
        self.working.values().filter(|working| working.reply.is_some()).map(|working| working.answer_by).min()
    }
}

impl Source for Reception {
    fn next(&mut self) -> Next {
        loop {
            let row = if let Some(named) = self.named.pop_front() {
                self.meet(named)
            } else if let Some(ticket) = self.arrived.pop_front() {
                self.hear(ticket)
            } else if let Ok(ticket) = self.desk.try_recv() {
                self.hear(ticket)
            } else if self.closed && self.naming.is_empty() {
                return Next::End;
            } else {
                return Next::NotNow;
            };
            if let Some(row) = row {
                return row;
            }
        }
    }

    async fn wait(&mut self) {
        let due = self.next_answer();
        let has_room = !self.closed && self.arrived.len() < ARRIVED;
        tokio::select! {
            ticket = self.desk.recv(), if has_room => match ticket {
                Some(ticket) => self.arrived.push_back(ticket),
                None => self.closed = true,
            },
            Some(named) = self.naming.join_next() => self.named.extend(named),
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => self.give_up_waiting(),
            else => std::future::pending().await,
        }
    }

    fn settled(&mut self, done: &Done) {
        let settled = settled_as(done, self.tells);
        let working = self.working.remove(&done.line);
        if let Some(reply) = working.and_then(|working| working.reply) {
            let _ = reply.send(Answer::Settled(settled.clone()));
        }
        self.memory.settled(done.line, settled);
    }

    fn told(&mut self, line: u64, delivery: Delivery) {
        self.memory.told(line, delivery);
    }
}

/// What is not final is done again when it is asked for again.
const fn is_final(outcome: Outcome) -> bool {
    match outcome {
        Outcome::Updated | Outcome::WouldUpdate | Outcome::Skipped(_) | Outcome::Failed(_) => true,
        Outcome::Unknown(_) | Outcome::Pending(_) => false,
    }
}

fn is_of(email: &Email, domains: &[String]) -> bool {
    let domain = email.as_str().rsplit_once('@').map_or("", |(_, domain)| domain);
    domains.iter().any(|allowed| allowed.eq_ignore_ascii_case(domain))
}

/// The attributes of a request, by the names of the mapped columns.
fn values(reset: &Reset, attributes: &[Attribute]) -> Result<Box<[Value]>, String> {
    let value = |(name, value): (&String, &serde_json::Value)| {
        let attribute = attributes.iter().position(|attribute| attribute.is_named(name));
        let attribute = attribute.ok_or_else(|| format!("{name}: no such attribute"))?;
        let text = match value {
            serde_json::Value::String(text) => text.clone(),
            serde_json::Value::Bool(_) | serde_json::Value::Number(_) => value.to_string(),
            _ => return Err(format!("{name}: neither text, number, true nor false")),
        };
        attributes[attribute].kind.check(&text).map_err(|why| format!("{name}: {why}"))?;
        Ok(Value { attribute, text: Secret::new(text) })
    };
    reset.attributes.iter().map(value).collect()
}
