use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::client::{Client, filter_path, password_op, patch_op, raw, request, script, token};

fn on_patch(action: &str) -> (Client, String) {
    let client = Client::scripted(&format!("{{\"on\":\"patch\",\"do\":{action}}}"));
    let id = client.id("ann@example.com");
    (client, id)
}

#[test]
fn a_reset_comes_before_the_deed_or_after() {
    for (when, applied) in [("before", 0), ("after", 1)] {
        let (client, id) = on_patch(&format!("{{\"reset\":\"{when}\"}}"));
        let body = patch_op(&password_op("new"));
        let error = client.try_patch(&id, &[], &body).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        let truth = client.sandbox.truth();
        assert_eq!(truth.applied.len(), applied);
        assert_eq!((truth.requests[2].status, truth.statuses[&0]), (0, 1));
        assert_eq!(client.set_password(&id, "new").status, 200);
    }
}

#[test]
fn a_truncated_reply_announces_more_than_it_brings() {
    let (client, id) = on_patch(r#"{"truncate":true}"#);
    let reply = client.set_password(&id, "new");
    let announced = reply.announced().unwrap();
    assert_eq!((reply.status, reply.body.len()), (200, announced / 2));
    assert_eq!(client.sandbox.truth().applied.len(), 1);
}

#[test]
fn a_late_reply_is_late_before_the_deed_or_after() {
    let (client, id) = on_patch(r#"{"wait_ms":300}"#);
    let begun = Instant::now();
    assert_eq!(client.set_password(&id, "new").status, 200);
    assert!(begun.elapsed() >= Duration::from_millis(300));
    client.sandbox.set_faults(script(r#"{"on":"patch","do":{"wait_after_ms":300}}"#));
    let hasty = hang_up(&client, &id, Duration::from_millis(100));
    assert_eq!((hasty.applied.len(), hasty.requests[3].status), (2, 200));
}

#[test]
fn a_request_that_was_read_is_carried_out_though_nobody_waits() {
    let (client, id) = on_patch(r#"{"wait_ms":300}"#);
    let truth = hang_up(&client, &id, Duration::from_millis(100));
    assert_eq!((truth.applied.len(), truth.requests[2].status), (0, 0));
    std::thread::sleep(Duration::from_millis(400));
    let truth = client.sandbox.truth();
    assert_eq!((truth.applied.len(), truth.requests[2].status), (1, 200));
}

/// Sends a PATCH, waits a little, closes; what is true then.
fn hang_up(client: &Client, id: &str, after: Duration) -> scim_rekey::sandbox::Truth {
    let bearer = format!("Bearer {}", client.token);
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let path = format!("/scim/v2/Users/{id}");
    let mut stream = connect(client);
    let body = patch_op(&password_op("new"));
    stream.write_all(&request("PATCH", &path, &headers, &body)).unwrap();
    std::thread::sleep(after);
    drop(stream);
    client.sandbox.truth()
}

fn connect(client: &Client) -> TcpStream {
    TcpStream::connect(client.sandbox.base_url().replace("http://", "")).unwrap()
}

#[test]
fn a_dripping_reply_comes_byte_by_byte() {
    let client = Client::scripted(r#"{"on":"lookup","do":{"drip_ms":3}}"#);
    let begun = Instant::now();
    let reply = client.find("missing@example.com");
    assert_eq!((reply.status, reply.announced()), (200, Some(reply.body.len())));
    let least = u128::try_from(reply.body.len() + 150).unwrap() * 3;
    assert!(begun.elapsed().as_millis() >= least, "{:?}", begun.elapsed());
}

#[test]
fn a_body_can_drip_behind_a_prompt_head() {
    let client = Client::scripted(r#"{"on":"lookup","do":{"drip_body_ms":100}}"#);
    let bearer = format!("Bearer {}", client.token);
    let headers = [("authorization", bearer.as_str())];
    let mut stream = connect(&client);
    let path = filter_path("ann@example.com");
    stream.write_all(&request("GET", &path, &headers, "")).unwrap();
    std::thread::sleep(Duration::from_millis(550));
    let mut bytes = vec![0; 4096];
    let mut seen = stream.read(&mut bytes).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    seen += stream.read(&mut bytes[seen..]).unwrap_or(0);
    let text = String::from_utf8_lossy(&bytes[..seen]).into_owned();
    let (_, body) = text.split_once("\r\n\r\n").expect("the whole head");
    assert!((3..=6).contains(&body.len()), "{body}");
}

#[test]
fn a_connection_is_well_again_after_a_drip() {
    let client = Client::scripted(r#"{"on":"lookup","do":{"drip_ms":1}}"#);
    let (mut stream, bearer) = (connect(&client), format!("Bearer {}", client.token));
    let path = filter_path("missing@example.com");
    let get = format!("GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: {bearer}\r\n\r\n");
    for slow in [true, false] {
        let begun = Instant::now();
        stream.write_all(get.as_bytes()).unwrap();
        let (mut text, mut byte) = (Vec::new(), [0]);
        while !text.ends_with(b"}") {
            stream.read_exact(&mut byte).unwrap();
            text.push(byte[0]);
        }
        assert_eq!(begun.elapsed() > Duration::from_millis(200), slow);
    }
}

#[test]
fn the_token_endpoint_can_be_cut_as_well() {
    let client = Client::everyday();
    client.sandbox.set_faults(script(r#"{"on":"token","do":{"reset":"after"}}"#));
    assert!(token(&client.sandbox).is_err());
    assert_eq!(token(&client.sandbox).unwrap().status, 200);
}

#[test]
fn stopping_cuts_whatever_is_under_way() {
    let client = Client::scripted(r#"{"on":"lookup","do":{"wait_ms":60000}}"#);
    let (mut stream, bearer) = (connect(&client), format!("Bearer {}", client.token));
    let get = request("GET", "/scim/v2/Users", &[("authorization", &bearer)], "");
    stream.write_all(&get).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    let begun = Instant::now();
    client.sandbox.stop();
    assert!(begun.elapsed() < Duration::from_secs(1));
    let mut rest = Vec::new();
    assert_eq!(stream.read_to_end(&mut rest).unwrap_or(0), 0);
}

#[test]
fn a_request_that_breaks_off_harms_nobody() {
    let client = Client::everyday();
    let mut stream = connect(&client);
    stream.write_all(b"PATCH /scim/v2/Users/1 HTTP/1.1\r\ncontent-length: 9\r\n\r\n{").unwrap();
    drop(stream);
    assert!(raw(&client.sandbox, b"\0\0\r\n\r\n").is_ok_and(|reply| reply.status == 400));
    assert_eq!(client.find("ann@example.com").status, 200);
}
