//! The stage on which promises are tried: the real program, a sandbox, a folder of its own, and
//! secrets that nobody else has, which are looked for in everything the program leaves behind.

mod canary;
mod program;
mod stage;

pub(crate) use canary::Canary;
pub(crate) use program::{Finished, Program};
pub(crate) use stage::{Person, Stage};

/// The script of faults, as people write it.
pub(crate) fn faults(rules: &str) -> scim_rekey::sandbox::Options {
    let faults = scim_rekey::sandbox::parse_script(&format!("{{\"faults\":[{rules}]}}")).unwrap();
    scim_rekey::sandbox::Options { faults, ..Default::default() }
}
