//! Whether somebody will know the passwords that are made, and what is held against those that are given.

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::cli::{PolicyOf, RunArgs};
use crate::commands::Failure;
use crate::config::Further;
use crate::domain::email::Email;
use crate::domain::secret::Secret;
use crate::engine::passwords::Passwords;
use crate::engine::post::Post;
use crate::handover::recipients::Recipients;
use crate::handover::sealed::Sealed;
use crate::input::{Judge, Judgement};
use crate::notices::{Postman, Settings};
use crate::passwords::policy::{Policy, Resemblance, resembles};
use crate::passwords::recipe::{Recipe, Style};

/// Generated passwords, in the run folder.
pub(crate) const NAME: &str = "generated.csv.age";

/// How generated passwords are handed over.
#[derive(Debug)]
pub(crate) struct Handing {
    recipients: Option<Recipients>,
    postman: Option<Arc<Postman>>,
}

impl Handing {
    /// What the command line says. Passwords that nobody would ever know are not made.
    pub(crate) fn of(args: &RunArgs, further: &Further) -> Result<Self, Failure> {
        let passwords = &args.passwords;
        let flags = [
            (passwords.readable, "--readable"),
            (passwords.words.is_some(), "--words"),
            (passwords.password_in_mail, "--password-in-mail"),
        ];
        if let Some((_, flag)) = flags.iter().find(|(given, _)| *given && !args.input.generate_passwords) {
            return Err(Failure::new(
                2,
                format!("{flag} is about generated passwords: --generate-passwords makes them"),
            ));
        }
        let notices = further.notices(passwords.password_in_mail)?.filter(|_| !passwords.no_notices);
        if passwords.password_in_mail && notices.is_none() {
            return Err(Failure::new(2, "--password-in-mail needs [notices] in the --config file"));
        }
        let claimed = notices.as_ref().is_some_and(Settings::claims);
        if args.input.generate_passwords && passwords.seal_to.is_empty() && !claimed {
            return Err(Failure::new(
                2,
                "--generate-passwords makes passwords that nobody would know: say who can read them with \
                 --seal-to, or send notices with a claim_url",
            ));
        }
        if args.input.generate_passwords {
            // The organisation's policy is not known yet; what nobody could make is.
            let recipe = Recipe::new(style(args), Policy::DOCUMENTED);
            recipe.map_err(|why| Failure::new(2, why))?;
        }
        let seals = args.input.generate_passwords && !passwords.seal_to.is_empty();
        let recipients = seals.then(|| Recipients::parse(&passwords.seal_to)).transpose();
        let recipients = recipients.map_err(|why| Failure::new(78, why))?;
        // Whoever rehearses with the settings of every day must not write to anybody.
        let postman = notices.filter(|_| !args.dry_run && !args.sandbox).map(Postman::new).transpose();
        let postman = postman.map_err(|unfit| Failure::new(78, unfit))?.map(Arc::new);
        Ok(Self { recipients, postman })
    }

    /// The file that passwords are sealed into, if they are.
    pub(crate) fn open(&mut self, run_dir: &Path) -> io::Result<Option<Sealed>> {
        self.recipients.take().map(|recipients| Sealed::open(&run_dir.join(NAME), recipients)).transpose()
    }

    /// Whether users are told.
    pub(crate) const fn tells(&self) -> bool {
        self.postman.is_some()
    }

    /// Who takes notices to where they go.
    pub(crate) fn postman(&self) -> Option<&Postman> {
        self.postman.as_deref()
    }

    /// How notices leave.
    pub(crate) fn post(&self, run_id: &str) -> Post {
        Post::new(self.postman.clone(), run_id)
    }
}

/// What the engine does about passwords.
pub(crate) fn passwords(args: &RunArgs) -> Passwords {
    let style = Some(style(args)).filter(|_| args.input.generate_passwords);
    Passwords::new(style, args.passwords.password_policy == PolicyOf::Organization)
}

/// What generated passwords look like.
pub(crate) fn style(args: &RunArgs) -> Style {
    match (args.passwords.words, args.passwords.readable) {
        (Some(words), _) => Style::Words(words),
        (None, true) => Style::Readable,
        (None, false) => Style::Random,
    }
}

/// Who judges given passwords before there is a connection.
pub(crate) fn judge(policy: PolicyOf) -> Option<Judge> {
    match policy {
        PolicyOf::None => None,
        PolicyOf::Documented => Some(by_the_documents),
        PolicyOf::Organization => Some(strictly),
    }
}

/// Whoever wants the organisation's own policy wants no password that gives its user's name away either.
fn strictly(password: &Secret, email: &Email) -> Judgement {
    match resembles(password, email) {
        Some(Resemblance::Name) => Judgement::Refused("contains the user's name"),
        Some(Resemblance::Address) | None => by_the_documents(password, email),
    }
}

/// A password that contains its user's address is refused. One with the name in it, or short of what the
/// vendor documents, is only warned of: the organisation may see it otherwise.
fn by_the_documents(password: &Secret, email: &Email) -> Judgement {
    match resembles(password, email) {
        Some(Resemblance::Address) => Judgement::Refused("contains the user's address"),
        None if Policy::DOCUMENTED.breaches(password).is_empty() => Judgement::Sound,
        Some(Resemblance::Name) | None => Judgement::Doubtful,
    }
}
