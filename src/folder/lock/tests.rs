use super::*;

fn holder(pid: u32) -> Holder {
    Holder { pid, since: "2026-11-22T09:00:00.000Z".into(), run_dir: "d".into() }
}

fn us() -> Holder {
    holder(std::process::id())
}

#[test]
fn one_holds_it_and_the_next_is_told_who() {
    let home = tempfile::tempdir().unwrap();
    let path = folder_lock(home.path());
    let first = Lock::take(&path, &us(), Duration::ZERO).unwrap();
    assert_eq!(fs::metadata(&path.path).unwrap().mode() & 0o777, 0o600);
    match Lock::take(&path, &us(), Duration::ZERO) {
        Err(Unlocked::Held(Some(seen))) => assert_eq!(seen.pid, us().pid),
        other => panic!("{other:?}"),
    }
    assert!(matches!(Lock::standing(&path), Standing::Held(Some(seen)) if seen.pid == us().pid));
    drop(first);
    assert!(!path.path.exists() && matches!(Lock::standing(&path), Standing::Free));
    drop(Lock::take(&path, &us(), Duration::ZERO).unwrap());
}

#[test]
fn whatever_a_dead_process_or_somebody_else_left_there_is_free() {
    let home = tempfile::tempdir().unwrap();
    let path = folder_lock(home.path());
    let long = "x".repeat(1 << 20);
    let recycled = serde_json::to_string(&us()).unwrap();
    for left in ["", "\0\0\0", "[[[[", &long, "{\"pid\":1,\"since\":\"\",\"run_dir\":\"\"}", &recycled] {
        fs::write(&path.path, left).unwrap();
        assert!(matches!(Lock::standing(&path), Standing::Free));
        let lock = Lock::take(&path, &us(), Duration::ZERO).unwrap();
        assert!(matches!(Lock::standing(&path), Standing::Held(Some(seen)) if seen.pid == us().pid));
        drop(lock);
    }
}

#[test]
fn a_pipe_in_its_place_is_refused_without_waiting_and_a_link_not_followed() {
    let home = tempfile::tempdir().unwrap();
    let path = folder_lock(home.path());
    let made = std::process::Command::new("mkfifo").arg(&path.path).status().unwrap();
    assert!(made.success());
    assert!(matches!(Lock::standing(&path), Standing::Free));
    assert!(matches!(Lock::take(&path, &us(), Duration::ZERO), Err(Unlocked::Io(_))));
    fs::remove_file(&path.path).unwrap();
    std::os::unix::fs::symlink(home.path().join("victim"), &path.path).unwrap();
    assert!(matches!(Lock::take(&path, &us(), Duration::ZERO), Err(Unlocked::Io(_))));
    assert!(matches!(Lock::standing(&path), Standing::Free) && !home.path().join("victim").exists());
}

/// Somebody who has the lock and has not said who it is.
fn unnamed(path: &LockFile, text: &str) -> File {
    fs::write(&path.path, text).unwrap();
    let file = File::open(&path.path).unwrap();
    file.lock_shared().unwrap();
    file
}

#[test]
fn a_name_that_the_dead_left_behind_is_not_told_and_a_look_keeps_nobody_out() {
    let home = tempfile::tempdir().unwrap();
    let path = folder_lock(home.path());
    // More than any process number that Linux gives away.
    let dead = serde_json::to_string(&holder(i32::MAX.unsigned_abs())).unwrap();
    for text in ["", "{", &dead] {
        let looking = unnamed(&path, text);
        assert!(matches!(Lock::standing(&path), Standing::Free), "looks do not see each other");
        let start = Instant::now();
        assert!(matches!(Lock::take(&path, &us(), Duration::ZERO), Err(Unlocked::Held(None))), "{text}");
        assert!(start.elapsed() >= UNNAMED, "a look is over long before");
        drop(looking);
        drop(Lock::take(&path, &us(), Duration::ZERO).unwrap());
    }
}

#[test]
fn what_a_planted_file_says_drives_no_terminal() {
    let home = tempfile::tempdir().unwrap();
    let path = folder_lock(home.path());
    let planted = Holder { since: "\u{1b}]0;owned\u{7}".into(), run_dir: "\u{202e}\r\n".into(), ..us() };
    let _holding = unnamed(&path, &serde_json::to_string(&planted).unwrap());
    match Lock::take(&path, &us(), Duration::ZERO) {
        Err(Unlocked::Held(Some(seen))) => assert_eq!((&*seen.since, &*seen.run_dir), ("]0;owned", "")),
        other => panic!("{other:?}"),
    }
}
