//! The end of a service, and what it is like until then.

use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::thread;

use super::Served;
use crate::support::{Stage, faults, until};

#[test]
fn whoever_has_been_let_in_is_answered_before_the_end() {
    let stage = Stage::new(Vec::new(), faults(r#"{"on":"patch","do":{"wait_ms":300}}"#));
    let mut served = Served::new(&stage);
    let reply = thread::scope(|scope| {
        let asking = scope.spawn(|| served.reset("user0@example.com", "k1"));
        until("the change is asked for", || stage.truth().patch_requests > 0);
        served.running.as_ref().unwrap().signal("TERM");
        asking.join().unwrap()
    });
    assert_eq!((reply.status, reply.field("outcome")), (200, "updated".into()), "{reply:?}");
    assert_eq!(stage.wait(served.running.take().unwrap()).code(), 0);
    assert_eq!(served.passwords().len(), 1);
}

#[test]
fn two_hundred_that_say_little_keep_nobody_out() {
    let stage = Stage::plain(0);
    let served = Served::new(&stage);
    let open: Vec<_> = (0..200)
        .map(|number| {
            let mut stream = TcpStream::connect(&served.address).unwrap();
            stream.write_all(&b"POST /v1/resets HTTP/1.1\r\nHost"[..number % 30]).unwrap();
            stream
        })
        .collect();
    assert_eq!(served.reset("user0@example.com", "k1").status, 200);
    drop(open);
    assert_eq!(served.passwords().len(), 1);
}

#[test]
#[ignore = "needs schemathesis from PyPI, and half a minute"]
fn the_description_is_true_of_the_real_service() {
    let stage = Stage::plain(0);
    let served = Served::new(&stage);
    let key = stage.home.path().join("secret");
    std::fs::write(&key, &served.key).unwrap();
    let done = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/service/schemathesis"))
        .arg(format!("http://{}", served.address))
        .env("KEY_FILE", &key)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{said}{}", String::from_utf8_lossy(&done.stderr));
    // It really came to resets.
    assert!(served.passwords().len() > 50, "{said}");
    assert!(!said.contains(&served.key), "{said}");
}
