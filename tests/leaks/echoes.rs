//! A server that sends back whatever it was sent, in every place of a reply and in every form: none of
//! it reaches a file or a terminal, and a harmless reference still does.

use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde_json::{Value, json};

use crate::support::{Canary, Finished, Listener, Person, Speaks, Stage, faults};

/// A secret that could pass for a code.
fn name_like(kind: &str) -> Canary {
    Canary(format!("{kind}-{:016x}", rand::random::<u64>()))
}

/// The ways in which an echo may be distorted.
fn forms(secret: &Canary) -> Vec<String> {
    let raw = &secret.0;
    let hex = raw.bytes().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    let (left, right) = raw.split_at(raw.len() / 2);
    vec![
        raw.clone(),
        raw.to_uppercase(),
        format!("my.{raw}_x"),
        format!("x-{left}-x"),
        right.to_owned(),
        raw.split("").collect::<Vec<_>>().join("-").trim_matches('-').to_owned(),
        BASE64_STANDARD.encode(raw).trim_end_matches('=').to_owned(),
        BASE64_URL_SAFE_NO_PAD.encode(format!("x{raw}")),
        hex.to_uppercase(),
        hex,
    ]
}

/// A reply that says it everywhere.
fn everywhere(status: u16, echo: &str, place: usize) -> Vec<u8> {
    let code = ["scimType", "code", "error"][place % 3];
    let mut body = json!({
        "status": status.to_string(), "detail": echo, "message": format!("the password {echo} is bad"),
        "error_description": echo, "contextId": echo, "details": [{"value": echo}], "password": echo,
    });
    body[code] = echo.into();
    body[echo] = echo.into();
    reply(status, echo, &body)
}

fn reply(status: u16, echo: &str, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    format!(
        "HTTP/1.1 {status} {echo}\r\nContent-Type: application/scim+json\r\nContent-Length: {}\r\n\
         ININ-Correlation-Id: {echo}\r\nWWW-Authenticate: Bearer realm=\"{echo}\"\r\nLocation: /{echo}\r\n\
         Retry-After: 0\r\nETag: \"{echo}\"\r\nX-Echo: {echo}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// What the server echoes to one row.
#[derive(Debug, Clone)]
struct Echo {
    status: u16,
    to_lookup: bool,
    said: String,
}

/// One person a case, in this order, and a server that answers each with its echo.
fn run_against(cases: &[Echo], secrets: [&Canary; 4]) -> (Stage, Finished) {
    let [password, phone, token, client_secret] = secrets.map(Clone::clone);
    let mut people = Person::many(cases.len());
    for person in &mut people {
        (person.password, person.phone) = (password.clone(), phone.clone());
    }
    let stage = Stage::new(people, faults(""));
    stage.keep_secret(&token);
    stage.keep_secret(&client_secret);
    let (cases, spoken) = (cases.to_vec(), token.0.clone());
    let listener = Listener::answering(Speaks::Plain, move |request| answer(request, &cases, &spoken));
    let url = format!("http://{}", listener.address());
    let program = stage.program().args(["-vv", "--concurrency", "1", "--max-attempts", "1"]);
    let program = program.env("GENESYS_SCIM_URL", &url).env("GENESYS_TOKEN_URL", format!("{url}/token"));
    let finished = stage.finish(program.env("GENESYS_CLIENT_SECRET", &client_secret.0));
    (stage, finished)
}

fn answer(request: &str, cases: &[Echo], token: &str) -> Vec<u8> {
    let line = request.lines().next().unwrap_or_default();
    if line.starts_with("POST /token") {
        return reply(200, "OK", &json!({"access_token": token, "expires_in": 3600}));
    }
    let number = |before: &str| {
        let (_, rest) = line.split_once(before)?;
        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse::<usize>().ok()
    };
    if let Some(place) = number("/Users/id-") {
        let Echo { status, said, .. } = &cases[place];
        return everywhere(*status, said, place);
    }
    // Neither a configuration nor a list of users, but a service.
    let Some(place) = number("%22user") else { return everywhere(400, token, 0) };
    let case = &cases[place];
    if case.to_lookup && case.status != 200 {
        return everywhere(case.status, &case.said, place);
    }
    let id = if case.to_lookup { case.said.clone() } else { format!("id-{place}") };
    let user = json!({"id": id, "userName": format!("user{place}@example.com"), "active": true,
        "meta": {"version": case.said}});
    reply(200, "OK", &json!({"totalResults": 1, "Resources": [user]}))
}

/// No part of a secret that is long enough to be one.
#[track_caller]
fn shows_no_part(text: &str, secrets: [&Canary; 4]) {
    let plain = |text: &str| {
        text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
    };
    let text = plain(text);
    for secret in secrets {
        let secret = plain(&secret.0);
        let part = secret
            .as_bytes()
            .windows(7)
            .map(|part| str::from_utf8(part).unwrap())
            .find(|part| text.contains(part));
        assert_eq!(part, None, "of {secret} in {text}");
    }
}

#[test]
fn an_echo_goes_nowhere_and_a_reference_is_kept() {
    let phone = Canary::phone();
    let (password, token, client) = (name_like("Kanari.en"), name_like("token"), name_like("geheim"));
    let secrets = [&password, &phone, &token, &client];
    let mut cases = Vec::new();
    for secret in secrets {
        for said in forms(&Canary(secret.0.trim_start_matches('+').to_owned())) {
            cases.extend([200, 400, 404, 422].map(|status| Echo {
                status,
                to_lookup: false,
                said: said.clone(),
            }));
            cases.push(Echo { status: 400, to_lookup: true, said });
        }
    }
    let harmless = "c0ffee00-1234-4abc-9def-000000000000";
    cases.push(Echo { status: 400, to_lookup: false, said: harmless.to_owned() });
    let (stage, finished) = run_against(&cases, secrets);
    let finished = finished.expect(4);
    let rows = stage.outcomes();
    assert_eq!(rows.len(), cases.len());
    for (row, case) in rows.iter().zip(&cases) {
        let outcome = match (case.status, case.to_lookup) {
            // It calls itself a success and an error.
            (200, _) => "unknown",
            _ => "failed",
        };
        assert_eq!(row["outcome"], outcome, "{case:?} {row:?}");
        shows_no_part(&row["detail"], secrets);
    }
    let last = &rows.last().unwrap()["detail"];
    assert!(last.contains(&format!("correlation {harmless}")), "{last}");
    shows_no_part(&finished.stderr, secrets);
}

#[test]
fn an_echo_that_ends_the_run_goes_nowhere_either() {
    let phone = Canary::phone();
    let (password, token, client) = (name_like("Kanari.en"), name_like("token"), name_like("geheim"));
    let secrets = [&password, &phone, &token, &client];
    for (status, code) in
        [(401, 77), (403, 77), (409, 3), (412, 3), (429, 75), (500, 4), (503, 69), (307, 78)]
    {
        for said in [&password.0, &token.0, &client.0] {
            let cases = vec![Echo { status, to_lookup: false, said: said.clone() }; 2];
            let (stage, finished) = run_against(&cases, secrets);
            let allowed = if status == 503 || status == 429 {
                [3, 69, 75].contains(&finished.code())
            } else {
                finished.code() == code
            };
            assert!(allowed, "{status}: {} {}", finished.code(), finished.stderr);
            shows_no_part(&finished.stderr, secrets);
            shows_no_part(
                &stage.audit().iter().map(Value::to_string).collect::<String>(),
                [&password, &password, &token, &client],
            );
        }
    }
}

#[test]
fn an_id_that_is_an_echo_is_no_id() {
    let phone = Canary::phone();
    let (password, token, client) = (name_like("Kanari.en"), name_like("token"), name_like("geheim"));
    let secrets = [&password, &phone, &token, &client];
    let whole = |secret: &Canary| {
        let forms = forms(&Canary(secret.0.trim_start_matches('+').to_owned()));
        forms.into_iter().enumerate().filter(|(place, _)| ![3, 4].contains(place)).map(|(_, said)| said)
    };
    let echoes = [&password, &phone, &token].into_iter().flat_map(whole);
    let cases: Vec<_> = echoes.map(|said| Echo { status: 200, to_lookup: true, said }).collect();
    let (stage, finished) = run_against(&cases, secrets);
    finished.expect(3);
    for (row, case) in stage.outcomes().iter().zip(&cases) {
        assert_eq!((row["reason"].as_str(), row["user_id"].as_str()), ("bad_reply", ""), "{case:?}");
    }
}

#[test]
fn the_sandbox_echoing_a_password_is_not_heard() {
    let echo = r#"{"on":"patch","every":2,"times":null,"do":"echo_password"}"#;
    let mut people = Person::many(6);
    people.extend(["refused@example.com", "recent@example.com"].map(Person::new));
    let stage = Stage::new(people, faults(echo));
    stage.finish(stage.program().arg("-vv")).expect(3);
    stage.check_truth();
}
