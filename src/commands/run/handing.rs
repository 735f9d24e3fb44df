//! Whether somebody will know the passwords that are made, and what is held against those that are given.

use std::io;
use std::path::Path;

use crate::cli::{PolicyOf, RunArgs};
use crate::commands::Failure;
use crate::config::Further;
use crate::domain::email::Email;
use crate::domain::secret::Secret;
use crate::engine::passwords::Passwords;
use crate::handover::recipients::Recipients;
use crate::handover::sealed::{NAME, Sealed};
use crate::input::{Judge, Judgement};
use crate::passwords::policy::{Policy, Resemblance, resembles};
use crate::passwords::recipe::Style;

/// How generated passwords are handed over.
#[derive(Debug)]
pub(crate) struct Handing {
    recipients: Option<Recipients>,
}

impl Handing {
    /// What the command line says. Passwords that nobody would ever know are not made.
    pub(crate) fn of(args: &RunArgs, further: &Further) -> Result<Self, Failure> {
        let passwords = &args.passwords;
        let told = further.notices.is_some() && !passwords.no_notices;
        let claimed = passwords.claim_url.is_some() && told;
        if args.input.generate_passwords && passwords.seal_to.is_empty() && !claimed && !args.dry_run {
            return Err(Failure::new(
                2,
                "--generate-passwords makes passwords that nobody would know: say who can read them with \
                 --seal-to, or send notices with a --claim-url",
            ));
        }
        let seals = args.input.generate_passwords && !args.dry_run && !passwords.seal_to.is_empty();
        let recipients = seals.then(|| Recipients::parse(&passwords.seal_to)).transpose();
        Ok(Self { recipients: recipients.map_err(|why| Failure::new(78, format!("--seal-to: {why}")))? })
    }

    /// The file that passwords are sealed into, if they are.
    pub(super) fn open(&self, run_dir: &Path) -> io::Result<Option<Sealed>> {
        self.recipients.as_ref().map(|recipients| Sealed::open(&run_dir.join(NAME), recipients)).transpose()
    }

    /// What the engine does about passwords.
    #[expect(clippy::unused_self, reason = "without a way to hand them over none are made")]
    pub(super) fn passwords(&self, args: &RunArgs) -> Passwords {
        let style = match (args.passwords.words, args.passwords.readable) {
            (Some(words), _) => Style::Words(words),
            (None, true) => Style::Readable,
            (None, false) => Style::Random,
        };
        let style = Some(style).filter(|_| args.input.generate_passwords);
        Passwords::new(style, args.passwords.password_policy == PolicyOf::Organization)
    }
}

/// Who judges given passwords before there is a connection.
pub(crate) fn judge(policy: PolicyOf) -> Option<Judge> {
    match policy {
        PolicyOf::None => None,
        PolicyOf::Documented | PolicyOf::Organization => Some(by_the_documents),
    }
}

/// A password that contains its user's address is refused. One with the name in it, or short of what the
/// vendor documents, is only warned of: the organisation may see it otherwise.
fn by_the_documents(password: &Secret, email: &Email) -> Judgement {
    match resembles(password, email) {
        Some(Resemblance::Address) => Judgement::Refused("contains the user's address"),
        Some(Resemblance::Name) => Judgement::Doubtful,
        None if Policy::DOCUMENTED.breaches(password).is_empty() => Judgement::Sound,
        None => Judgement::Doubtful,
    }
}
