//! What can be said without the network: the settings, whose turn it is, and the run folder.

use std::path::{Path, PathBuf};

use rustix::fs::{Access, access, statvfs};

use super::finding::{Finding, Findings};
use crate::audit::record::RunStart;
use crate::audit::replay::{Damage, Past};
use crate::cli::RunArgs;
use crate::commands::run::{held, place};
use crate::config::{self, Service};
use crate::files;
use crate::folder::lock::{Lock, LockFile, Standing, client_lock, folder_lock};
use crate::folder::run::{LOG, Place};

/// Where requests would go, and whether that is a place of the vendor's.
pub(super) fn region(args: &RunArgs, service: &Service) -> Finding {
    const CHECK: &str = "configuration";
    if args.sandbox {
        return Finding::ok(CHECK, "the built-in sandbox");
    }
    let [scim, token] = [&service.base, &service.credentials.url].map(config::region_of);
    let base = &service.base;
    match (scim, token) {
        (Some(one), Some(other)) if one != other => Finding::warning(
            CHECK,
            format!("{base} is in {}, and its token endpoint in {}", one.0, other.0),
            "one of --scim-url and --token-url is of another region",
        ),
        (Some((name, _)), _) => Finding::ok(CHECK, format!("{base}, region {name}")),
        (None, _) if config::is_the_vendors(base.host_str().unwrap_or_default()) => Finding::warning(
            CHECK,
            format!("{base} is in no region that is known here"),
            "go on if it is new, or see --region",
        ),
        (None, _) if service.http.loopback => Finding::ok(CHECK, format!("{base}, on this machine")),
        (None, _) => Finding::warning(
            CHECK,
            format!("{base} is in none of the vendor's regions"),
            "check --region, or go on if --scim-url is of another service",
        ),
    }
}

/// Whether another run works with this client on this service.
pub(super) fn client_turn(args: &RunArgs, service: &Service) -> Finding {
    const CHECK: &str = "client-lock";
    if args.sandbox {
        return Finding::ok(CHECK, "a sandbox is everybody's own");
    }
    let lock = client_lock(service.base.as_str(), &service.credentials.client_id);
    turn(CHECK, &lock, "works with this client on this service")
}

fn turn(check: &'static str, lock: &LockFile, what: &str) -> Finding {
    match Lock::standing(lock) {
        Standing::Free => Finding::ok(check, "free"),
        Standing::Held(holder) => Finding::refused(check, &held(what, holder.as_ref())),
    }
}

/// The run folder, the run in it, and the disk that it is on.
pub(super) fn folder(args: &RunArgs, target: Option<&str>, rows: Option<u64>, found: &mut Findings<'_>) {
    const CHECK: &str = "run-folder";
    let place = match place(args) {
        Ok(place) => place,
        Err(failure) => {
            found.push(Finding::failed(
                CHECK,
                failure.code,
                failure.words,
                "say with --run-dir where its files go",
            ));
            return found.push(Finding::not_checked("disk", "no run folder"));
        }
    };
    let (path, is_exact) = match &place {
        Place::Exactly(path) => (path, true),
        Place::Within(path) => (path, false),
    };
    let standing = stands(path).and_then(|fine| if is_exact { earlier(path, target) } else { Ok(fine) });
    found.push(standing.unwrap_or_else(|failed| failed));
    if is_exact {
        found.push(turn("folder-lock", &folder_lock(path), "works in this run folder"));
    }
    found.push(disk(&nearest(path), rows.unwrap_or_default()));
}

/// Whether files can be made there, by us and by nobody else.
fn stands(path: &Path) -> Result<Finding, Finding> {
    const CHECK: &str = "run-folder";
    let name = path.display();
    let ground = nearest(path);
    let cannot = |why: String| {
        Finding::failed(CHECK, 73, format!("{name} cannot be used: {why}"), "choose another with --run-dir")
    };
    if !ground.is_dir() {
        return Err(cannot(format!("{} is no folder", ground.display())));
    }
    access(&ground, Access::WRITE_OK | Access::EXEC_OK)
        .map_err(|error| cannot(std::io::Error::from(error).to_string()))?;
    if path.exists()
        && let Some(why) = files::exposed(path).map_err(|error| cannot(error.to_string()))?
    {
        return Err(Finding::failed(CHECK, 78, format!("{name} {why}"), "or choose another with --run-dir"));
    }
    if let Some(kind) = files::unreliable(&ground) {
        return Err(Finding::warning(CHECK, format!("{name} is on {kind}"), "choose another with --run-dir"));
    }
    Ok(Finding::ok(CHECK, format!("one of its own in {name}")))
}

/// What a folder tells of an earlier run, which must be against the same service.
fn earlier(path: &Path, target: Option<&str>) -> Result<Finding, Finding> {
    const CHECK: &str = "run-folder";
    let name = path.display();
    match Past::read(&path.join(LOG)) {
        Ok(None) => Ok(Finding::ok(CHECK, format!("{name}, writable"))),
        Err(Damage::Io(_)) if !path.join(LOG).exists() => {
            Ok(Finding::ok(CHECK, format!("{name}, writable and new")))
        }
        Ok(Some(past)) if is_another(&past.start, target) => Err(Finding::failed(
            CHECK,
            65,
            format!("{name} holds another kind of run, against {}", past.start.target),
            "choose another with --run-dir",
        )),
        Ok(Some(past)) if past.is_complete() => Ok(Finding::ok(
            CHECK,
            format!("{name} holds a run that is complete; --again would do it once more"),
        )),
        Ok(Some(past)) => {
            let tally = past.ledger.tally().sentence();
            Ok(Finding::ok(CHECK, format!("{name} holds a run that would be gone on with: {tally}")))
        }
        Err(Damage::Io(error)) => {
            Err(Finding::failed(CHECK, 73, format!("{name}: {error}"), "choose another with --run-dir"))
        }
        Err(damage) => Err(Finding::failed(
            CHECK,
            65,
            format!("{name} cannot be trusted: {damage}"),
            "scim-rekey audit verify says more; choose another with --run-dir",
        )),
    }
}

/// Whether a run is none that `run` with these settings would go on with, whatever its INPUT.
fn is_another(start: &RunStart, target: Option<&str>) -> bool {
    let is_elsewhere = target.is_some_and(|target| target != start.target);
    is_elsewhere || start.dry_run || start.serves || start.retry_of.is_some()
}

/// The folder, or the nearest above it that is there.
fn nearest(path: &Path) -> PathBuf {
    let mut above = path.ancestors().filter(|path| !path.as_os_str().is_empty());
    let found = above.find(|path| path.symlink_metadata().is_ok());
    found.map_or_else(|| PathBuf::from("."), Path::to_owned)
}

/// What a run takes before its first row, and for each row in all its files.
const START: u64 = 2 << 20;
const ROW: u64 = 1 << 10;

fn disk(ground: &Path, rows: u64) -> Finding {
    match statvfs(ground) {
        Ok(disk) => room(disk.f_bavail.saturating_mul(disk.f_frsize), rows),
        Err(error) => Finding::not_checked("disk", std::io::Error::from(error).to_string()),
    }
}

fn room(free: u64, rows: u64) -> Finding {
    let wants = START.saturating_add(rows.saturating_mul(ROW));
    let words = format!(
        "{} free, and a run of this size wants about {} (2 MiB, and 1 KiB a row)",
        size(free),
        size(wants)
    );
    if free < wants {
        return Finding::failed("disk", 73, words, "make room, or choose another place with --run-dir");
    }
    Finding::ok("disk", words)
}

/// A number of bytes as people say it.
fn size(bytes: u64) -> String {
    let units = [("GiB", 30), ("MiB", 20), ("KiB", 10)];
    let unit = units.into_iter().find(|(_, shift)| bytes >> shift > 0);
    unit.map_or_else(
        || format!("{bytes} bytes"),
        |(name, shift)| {
            let tenths = (bytes >> (shift - 10)).saturating_mul(10) >> 10;
            if tenths < 100 && !tenths.is_multiple_of(10) {
                format!("{}.{} {name}", tenths / 10, tenths % 10)
            } else {
                format!("{} {name}", tenths / 10)
            }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::super::finding::{Sign, exit_code};
    use super::*;

    #[test]
    fn a_disk_must_have_room_for_the_run_and_all_its_rows() {
        let tried = |free, rows| room(free, rows);
        assert_eq!(tried(START + ROW, 1).sign, Sign::Ok);
        let short = tried(START + ROW - 1, 1);
        assert_eq!((short.sign, exit_code(std::slice::from_ref(&short))), (Sign::Failed, 73));
        assert_eq!(tried(u64::MAX, u64::MAX).sign, Sign::Ok, "no overflow");
    }

    #[test]
    fn sizes_are_said_as_people_say_them() {
        for (bytes, said) in [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (1 << 10, "1 KiB"),
            (START, "2 MiB"),
            (START + (1 << 19), "2.5 MiB"),
            (27 << 20, "27 MiB"),
            (3 << 40, "3072 GiB"),
            (u64::MAX, "17179869183 GiB"),
        ] {
            assert_eq!(size(bytes), said);
        }
    }
}
