//! Sockets that say little or nothing, full queues, and the end.

use std::time::Duration;

use tokio::time::timeout;

use super::*;

/// Far longer than anything here takes, and far shorter than the time limits of the settings.
const AT_ONCE: Duration = Duration::from_secs(5);

#[tokio::test(start_paused = true)]
async fn two_hundred_that_dribble_keep_nobody_out() {
    let house = House::new().await;
    let mut open = Vec::new();
    let body = wish("ann@example.com");
    let whole = post("/v1/resets", &house.key, "k1", &body);
    let starts = ["", "G", "GET /healthz HTTP/1.1\r\nHost", &whole[..whole.len() - 1]];
    for number in 0..200 {
        let mut stream = TcpStream::connect(house.address).await.unwrap();
        stream.write_all(starts[number % starts.len()].as_bytes()).await.unwrap();
        open.push(stream);
    }
    let reply = timeout(AT_ONCE, house.reset("bob@example.com", "k2")).await.unwrap();
    assert_eq!(reply.status, 200);
    // Those who came first had to go for those who came later: 64 places, one of them for Bob.
    let mut gone = Vec::new();
    for (number, stream) in open.iter_mut().enumerate() {
        if timeout(Duration::from_millis(1), stream.read_u8()).await.is_ok() {
            gone.push(number);
        }
    }
    assert!((137..=138).contains(&gone.len()), "{gone:?}");
    assert!(gone.iter().take(130).copied().eq(0..130), "{gone:?}");
    assert_eq!(house.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn whoever_is_at_work_keeps_his_place() {
    let house = House::with("", "[limits]\nconnections = 2").await;
    let slow = async { house.reset("slow@example.com", "k1").await };
    let others = async {
        house.desk.waiting.notified().await;
        let mut silent = Vec::new();
        for _ in 0..20 {
            silent.push(TcpStream::connect(house.address).await.unwrap());
            assert_eq!(house.get("/healthz", "").await.status, 200);
        }
        house.desk.release.notify_one();
    };
    let (slow, ()) = tokio::join!(slow, others);
    assert_eq!(slow.status, 200);
}

#[tokio::test(start_paused = true)]
async fn whoever_finds_all_at_work_waits_for_the_first_answer() {
    let house = House::with("", "[limits]\nconnections = 1").await;
    let (slow, next) = tokio::join!(house.reset("slow@example.com", "k1"), async {
        house.desk.waiting.notified().await;
        let next = tokio::spawn(TcpStream::connect(house.address));
        let stream = next.await.unwrap().unwrap();
        house.desk.release.notify_one();
        converse(stream, &format!("GET /healthz HTTP/1.1\r\n{}\r\n", credentials(""))).await
    });
    assert_eq!((slow.status, next.status), (200, 200));
}

/// How long the service lets this wait, in seconds of the test's clock, and what it says in the end.
async fn patience(house: &House, bytes: &str) -> (f64, u16) {
    let stream = TcpStream::connect(house.address).await.unwrap();
    let began = tokio::time::Instant::now();
    let reply = converse(stream, bytes).await;
    (began.elapsed().as_secs_f64().round(), reply.status)
}

/// The same for the header of a second request, after this one.
async fn second(house: &House, first: &str) -> (f64, u16) {
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    stream.write_all(first.as_bytes()).await.unwrap();
    assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
    let began = tokio::time::Instant::now();
    let reply = converse(stream, "GET").await;
    (began.elapsed().as_secs_f64().round(), reply.status)
}

#[tokio::test(start_paused = true)]
async fn each_stage_of_a_connection_has_its_time() {
    let times = "[timeouts]\nheader = 1\nbody = 2\ntotal = 3\nidle = 2";
    let house = House::with("", times).await;
    let body = wish("slow@example.com");
    let whole = post("/v1/resets", &house.key, "k1", &body);
    let lasting = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    let (silent, header, part, work, idle, second) = tokio::join!(
        patience(&house, ""),
        patience(&house, "GET /healthz HTTP/1.1\r\nHost: x\r\n"),
        patience(&house, &whole[..whole.len() - 1]),
        patience(&house, &whole),
        patience(&house, lasting),
        second(&house, lasting),
    );
    assert_eq!([silent, header], [(1.0, 0), (1.0, 0)]);
    assert_eq!([part, work], [(2.0, 408), (3.0, 504)]);
    assert_eq!([idle, second], [(2.0, 200), (1.0, 0)]);
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_sends_away_and_costs_nothing() {
    let (key, digest) = new_key().unwrap();
    let rules = rules(&format!(
        "listen = '127.0.0.1:0'\n[[caller]]\nid = 'a'\nkey_sha256 = ['{digest}']\ndomains = ['example.com']\n\
         [limits]\nper_target_per_hour = 1"
    ));
    let listening = Listening::bind(rules.unwrap()).await.unwrap();
    let address = listening.address;
    let ((desk, mut asked), (_ready, ready)) = (mpsc::channel::<Ticket>(1), watch::channel(true));
    let key_of_all = hmac::Key::new(hmac::HMAC_SHA256, b"installation");
    tokio::spawn(listening.serve(Back { desk, ready, key: key_of_all }, std::future::pending()));
    let ask = async |email: &str, idempotency: &str| {
        let stream = TcpStream::connect(address).await.unwrap();
        converse(stream, &post("/v1/resets", key.expose(), idempotency, &wish(email))).await
    };
    let (first, second) = tokio::join!(ask("ann@example.com", "k1"), async {
        while asked.is_empty() {
            tokio::task::yield_now().await;
        }
        let away = ask("bob@example.com", "k2").await;
        assert_eq!((away.refusal(), away.header("retry-after")), ((503, "busy".into()), Some("5")));
        let (_, answer) = asked.recv().await.unwrap();
        answer.send(Answer::Settled(settled("x", "1".into()))).unwrap();
        // Bob may still be reset once in this hour.
        let (second, ()) = tokio::join!(ask("bob@example.com", "k3"), async {
            drop(asked.recv().await.unwrap());
            asked.close();
        });
        second
    });
    assert_eq!(first.status, 200);
    // A question that is dropped may have been begun.
    assert_eq!(second.refusal(), (504, "no_answer_yet".into()));
    assert_eq!(ask("cat@example.com", "k4").await.refusal(), (503, "stopping".into()));
}

#[tokio::test(start_paused = true)]
async fn at_the_end_work_is_finished_and_nobody_new_comes_in() {
    let mut house = House::new().await;
    let silent = TcpStream::connect(house.address).await.unwrap();
    let stop = house.stop.take().unwrap();
    let (slow, ()) = tokio::join!(house.reset("slow@example.com", "k1"), async {
        house.desk.waiting.notified().await;
        stop.send(()).unwrap();
        while TcpStream::connect(house.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
        house.desk.release.notify_one();
    });
    assert_eq!((slow.status, slow.header("connection")), (200, Some("close")));
    assert_eq!(timeout(AT_ONCE, house.serving).await.unwrap().unwrap(), 0);
    drop(silent);
}

#[tokio::test(start_paused = true)]
async fn whoever_does_not_end_in_time_is_cut_off() {
    let mut house = House::with("", "[timeouts]\ndrain = 1").await;
    let stop = house.stop.take().unwrap();
    let serving = std::mem::replace(&mut house.serving, tokio::spawn(async { 0 }));
    let (slow, cut) = tokio::join!(house.reset("slow@example.com", "k1"), async {
        house.desk.waiting.notified().await;
        stop.send(()).unwrap();
        timeout(AT_ONCE, serving).await.unwrap().unwrap()
    });
    assert_eq!((slow.status, cut), (0, 1));
}
