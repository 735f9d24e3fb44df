//! `--start-jitter`: a wait that sends nothing, holds nothing and ends when it is told to.

use std::fs;

use crate::support::{Program, Stage, ends, until};

#[test]
fn a_signal_ends_the_wait_with_its_own_code() {
    for (name, code) in [("TERM", 143), ("INT", 130), ("HUP", 129)] {
        let stage = Stage::plain(1);
        let (summary, said) = (stage.home.path().join("last.json"), stage.home.path().join("said"));
        let args = stage.run_args().into_iter().chain(["--start-jitter".to_owned(), "100000d".to_owned()]);
        let program = Program::below_shell(&format!("exec 2>{}", said.display()), args);
        let program =
            stage.with_env(program).env("RUST_LOG", "scim_rekey=info").arg("--summary").arg(&summary);
        let mut running = program.start();
        let heard = || fs::read_to_string(&said).unwrap_or_default();
        until("it waits", || heard().contains("(--start-jitter)"));
        running.signal(name);
        ends(&mut running);
        stage.wait(running).expect(code);
        let last = heard().lines().last().unwrap().to_owned();
        assert!(
            last.contains(&format!("stopped by SIG{name} before anything was sent; go on with:")),
            "{last}"
        );
        let told = fs::read_to_string(&summary).unwrap();
        assert!(told.contains(&format!("\"exit_code\": {code}")), "{told}");
        assert!(stage.truth().requests.is_empty() && !stage.run_dir().exists());
        stage.run().expect(0);
    }
}

#[test]
fn what_is_wrong_is_said_before_the_wait() {
    let stage = Stage::plain(1);
    for (input, code) in [("/nowhere/users.csv", 66), (stage.input().to_str().unwrap(), 78)] {
        let program = Program::new(["run", input, "--start-jitter", "100000d"]);
        stage.finish(program).expect(code);
    }
}
