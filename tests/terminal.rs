//! Somebody sits at a terminal: a bar that says how it goes and why it waits, a question before the first
//! change, and a last line to go on with.

use std::fs;

use crate::support::{Finished, Person, Program, Seat, Stage, faults, seen, until};

const QUESTION: &str = "Go on? [y/N] ";

/// A command at a terminal that can draw, without log lines.
fn at_terminal(program: Program, columns: u16) -> Seat {
    program.without_env("RUST_LOG").env("TERM", "xterm-256color").at_terminal(columns)
}

/// The same, until it asks.
fn asked(stage: &Stage, program: Program) -> Seat {
    let seat = at_terminal(program, 100);
    seat.shows(QUESTION);
    assert_eq!(stage.truth().applied.len(), 0);
    seat
}

fn ended(stage: &Stage, seat: Seat) -> Finished {
    stage.heard(seat.ends())
}

/// The last line that stands on the terminal.
fn last_line(finished: &Finished) -> String {
    let lines = seen(&finished.stderr, 10_000);
    lines.into_iter().rfind(|line| !line.is_empty()).unwrap_or_default()
}

#[track_caller]
fn nothing_was_changed(stage: &Stage, finished: &Finished) {
    let line = last_line(finished);
    assert!(line.contains("nothing was changed; go on with: "), "{line}");
    let truth = stage.truth();
    assert_eq!((truth.lookup_requests, truth.patch_requests), (0, 0));
    let left: Vec<_> =
        fs::read_dir(stage.home.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["users.csv"], "no run folder stays behind");
}

#[test]
fn before_the_first_change_somebody_is_asked_and_only_yes_is_yes() {
    for answer in ["n\n", "\n", "yep\n", "\u{4}"] {
        let stage = Stage::plain(3);
        let mut seat = asked(&stage, stage.program());
        seat.types(answer);
        let finished = ended(&stage, seat).expect(130);
        nothing_was_changed(&stage, &finished);
    }
    for answer in ["y\n", " YES \n"] {
        let stage = Stage::plain(3);
        let mut seat = asked(&stage, stage.program());
        let printed = seat.printed();
        for fact in [
            "organisation  ",
            "3 of ",
            "the passwords of the file, MFA by phone",
            &stage.sandbox.0.scim_url(),
        ] {
            assert!(printed.contains(fact), "{fact}: {printed}");
        }
        seat.types(answer);
        ended(&stage, seat).expect(0);
        stage.check_truth();
    }
}

#[test]
fn who_keeps_a_log_is_asked_on_the_terminal() {
    let stage = Stage::plain(3);
    let log = stage.home.path().join("log");
    let program = Program::below_shell(&format!("exec 2> '{}'", log.display()), stage.run_args());
    let mut seat = asked(&stage, stage.with_env(program));
    seat.types("n\n");
    ended(&stage, seat).expect(130);
    assert!(fs::read_to_string(&log).unwrap().contains("not confirmed, nothing was changed"));
    assert_eq!(stage.truth().applied.len(), 0);
}

#[test]
fn a_signal_at_the_question_ends_it_and_leaves_nothing_behind() {
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let stage = Stage::plain(3);
        let mut args = stage.run_args();
        // In a folder beside INPUT.
        args.drain(2..4);
        let seat = asked(&stage, stage.with_env(Program::new(args)));
        seat.signal(signal);
        let finished = ended(&stage, seat).expect(code);
        assert!(last_line(&finished).contains(&format!("stopped by SIG{signal}; ")), "{}", finished.stderr);
        nothing_was_changed(&stage, &finished);
    }
}

#[test]
fn nobody_is_asked_who_has_said_so_or_changes_nothing_or_is_not_there() {
    for flag in ["--yes", "-y", "--dry-run"] {
        let stage = Stage::plain(2);
        let finished = ended(&stage, at_terminal(stage.program().arg(flag), 100)).expect(0);
        assert!(!finished.stderr.contains(QUESTION), "{flag}");
    }
    let stage = Stage::plain(2);
    let finished = stage.run().expect(0);
    assert!(!finished.stderr.contains(QUESTION));
}

#[test]
fn a_run_that_has_changed_somebody_is_gone_on_with_without_a_question_and_a_retry_is_asked() {
    let stage = Stage::new(
        [Person::many(3), vec![Person::new("missing@example.com")]].concat(),
        faults(
            r#"{"on":"patch","user":"user2@example.com","times":null,"do":{"status":429,"retry_after":"900"}}"#,
        ),
    );
    stage.finish(stage.program().args(["--max-wait", "1s"])).expect(75);
    stage.sandbox.0.set_faults(Vec::new());
    let finished = ended(&stage, at_terminal(stage.program(), 100)).expect(3);
    assert!(!finished.stderr.contains(QUESTION), "{}", finished.stderr);
    let (before, dir) = (stage.truth().lookup_requests, stage.home.path().join("retry"));
    let mut args = stage.run_args();
    args.splice(
        0..4,
        ["retry".into(), stage.run_dir().display().to_string(), stage.input().display().to_string()],
    );
    let retry = Program::new(args).arg("--run-dir").arg(&dir);
    let mut seat = at_terminal(stage.with_env(retry), 100);
    seat.shows(QUESTION);
    assert!(seat.printed().contains("1 of "), "{}", seat.printed());
    seat.types("n\n");
    ended(&stage, seat).expect(130);
    assert!(!dir.exists() && stage.truth().lookup_requests == before);
}

#[test]
fn whoever_waits_for_a_lock_says_so_and_for_which_run() {
    let stage = Stage::new(Person::many(3), faults(PATIENCE.replace("\"skip\":5,", "").as_str()));
    // In a folder beside INPUT, whose name nobody knows before.
    let mut args = stage.run_args();
    args.drain(2..4);
    let holder = stage.with_env(Program::new(args.clone())).start();
    until("it holds the locks", || stage.truth().lookup_requests > 0);
    let runs = stage.home.path().join("users.runs");
    let folder = fs::read_dir(runs).unwrap().next().unwrap().unwrap().path();
    let who = format!("for another run's lock: process {} (since ", holder.pid());
    let seat = at_terminal(stage.with_env(Program::new(args)).args(["--lock-wait", "10m"]), 400);
    seat.shows(&format!("waiting at most 10 min {who}"));
    assert!(seat.printed().contains(&*folder.to_string_lossy()), "{}", seat.printed());
    seat.signal("TERM");
    ended(&stage, seat).expect(143);
    holder.signal("TERM");
    stage.wait(holder).expect(143);
}

/// A service that asks for a wait of ten minutes after some rows.
const PATIENCE: &str = r#"{"on":"lookup","skip":5,"times":null,"do":{"status":429,"retry_after":"600"}}"#;

#[test]
fn the_bar_says_how_far_it_is_and_why_it_waits() {
    for (columns, words) in
        [(40, "waiting 10 min"), (80, "waiting 10 min: the service asked"), (200, "requests/s")]
    {
        let stage = Stage::new(Person::many(20), faults(PATIENCE));
        let seat =
            at_terminal(stage.program().args(["--yes", "--rate", "60/s", "--concurrency", "2"]), columns);
        seat.shows("/20");
        if columns < 200 {
            seat.shows(words);
        } else {
            seat.shows("the service asked");
        }
        seat.signal("TERM");
        let finished = ended(&stage, seat).expect(143);
        // Taken away in the end, with nothing left of it.
        let lines = seen(&finished.stderr, columns.into());
        assert!(lines.iter().all(|line| !line.contains("waiting")), "{lines:#?}");
        assert!(last_line(&finished).contains("go on with: "), "{lines:#?}");
    }
}

#[test]
fn log_lines_do_not_tear_the_bar() {
    let stage = Stage::new(Person::many(60), faults(PATIENCE.replace("\"skip\":5", "\"skip\":50").as_str()));
    let program = stage.program().args(["--yes", "-v", "--rate", "200/s"]).without_env("RUST_LOG");
    let seat = program.env("TERM", "xterm").env("NO_COLOR", "1").at_terminal(400);
    seat.shows("the service asked");
    let printed = seat.printed();
    let lines = seen(&printed, 400);
    seat.signal("TERM");
    ended(&stage, seat).expect(143);
    let (bar, above) = lines.split_last().unwrap();
    assert!(bar.contains("/60 rows · ") && bar.contains("the service asked"), "{lines:#?}");
    let log = above.iter().filter(|line| line.contains("INFO scim_rekey"));
    assert!(log.clone().count() > 40, "{lines:#?}");
    let torn = above.iter().find(|line| line.contains("/60 rows"));
    assert_eq!(torn, None);
    // Each stands at the beginning of a line of its own, from which the bar was taken away before.
    assert!(log.clone().all(|line| line.starts_with("20") && line.matches("INFO").count() == 1));
    let (mut begun, mut rest) = (0, printed.as_str());
    while let Some((before, after)) = rest.split_once("  INFO scim_rekey") {
        let before = &before[..before.len() - "2026-11-22T23:24:13.520001Z".len()];
        let clear = before.is_empty() || before.ends_with('\n') || before.ends_with("\u{1b}[K\r");
        assert!(clear, "{before:?}");
        (begun, rest) = (begun + 1, after);
    }
    assert!(begun > 40);
}

#[test]
fn a_terminal_that_cannot_draw_gets_no_escape_codes() {
    for (term, colours) in [(Some("dumb"), false), (None, false), (Some("xterm"), true)] {
        let stage = Stage::new(vec![Person::new("missing@example.com")], faults(""));
        let mut program = stage.program().args(["--yes", "-v"]).without_env("RUST_LOG");
        if let Some(term) = term {
            program = program.env("TERM", term);
        }
        let finished = ended(&stage, program.at_terminal(80)).expect(3);
        assert_eq!(finished.stderr.contains('\u{1b}'), colours, "{term:?}: {:?}", finished.stderr);
        assert!(
            last_line(&finished).starts_with("warning: finished: 1 failed of 1 row; "),
            "{}",
            finished.stderr
        );
    }
    let stage = Stage::plain(2);
    let program = stage.program().args(["--yes", "-v"]).without_env("RUST_LOG");
    let finished = ended(&stage, program.env("TERM", "xterm").env("NO_COLOR", "1").at_terminal(80)).expect(0);
    assert!(
        !finished.stderr.contains("\u{1b}[3") && !finished.stderr.contains("\u{1b}[1"),
        "{:?}",
        finished.stderr
    );
}
