//! The stage on which promises are tried: the real program, a sandbox, a folder of its own, and
//! secrets that nobody else has, which are looked for in everything the program leaves behind.

mod canary;
mod program;
mod stage;

pub(crate) use canary::Canary;
pub(crate) use program::{Finished, Program};
pub(crate) use stage::{Person, Stage};

/// SHA-256 in lower-case hex, computed apart from the program.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    digest.as_ref().iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// The script of faults, as people write it.
pub(crate) fn faults(rules: &str) -> scim_rekey::sandbox::Options {
    let faults = scim_rekey::sandbox::parse_script(&format!("{{\"faults\":[{rules}]}}")).unwrap();
    scim_rekey::sandbox::Options { faults, ..Default::default() }
}
