//! `completions`: the script that teaches a shell the command line.

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::{Failure, print};
use crate::cli::{Cli, CompletionsArgs, hinted};

/// Prints the script.
pub(crate) fn completions(args: &CompletionsArgs) -> Result<u8, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut hinted(Cli::command()), "scim-rekey", &mut script);
    let mut script = String::from_utf8(script).map_err(|error| Failure::new(70, error))?;
    if args.shell == Shell::Bash {
        // clap_complete 4.6 spells a name with a hyphen in two ways, so that no command of ours is found.
        script = script.replace("scim__subcmd__rekey", "scim__rekey");
    }
    print(script.as_bytes());
    Ok(0)
}
