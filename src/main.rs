//! The executable: everything is in the library, so that tests and documentation see it.

use std::process::ExitCode;

fn main() -> ExitCode {
    scim_rekey::run()
}
