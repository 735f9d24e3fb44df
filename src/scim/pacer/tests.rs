//! The gate with one token.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;

const PATIENCE: Patience =
    Patience { max_wait: Duration::from_secs(900), max_outage: Duration::from_secs(300), concurrency: 64 };

fn told(requests: u32, seconds: u64) -> Pace {
    Pace::Told(Rate::new(requests, Duration::from_secs(seconds)).unwrap())
}

fn pacer(requests: u32, seconds: u64) -> Arc<Pacer> {
    Arc::new(Pacer::new(told(requests, seconds), 1, PATIENCE))
}

async fn many(pacer: &Arc<Pacer>, count: usize) -> Vec<Instant> {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..count {
        let pacer = Arc::clone(pacer);
        tasks.spawn(async move {
            pacer.admit(None).await.unwrap().finish(Health::Up, None);
            Instant::now()
        });
    }
    let mut times = tasks.join_all().await;
    times.sort();
    times
}

#[tokio::test(start_paused = true)]
async fn requests_leave_evenly_spaced() {
    let start = Instant::now();
    let times = many(&pacer(300, 60), 301).await;
    assert_eq!((*times.last().unwrap() - start).as_secs(), 60);
    for pair in times.windows(2) {
        assert!(pair[1] - pair[0] >= Duration::from_millis(199));
    }
}

/// The most of these in any second.
fn most_in_a_second(times: &[Instant]) -> usize {
    let second = Duration::from_secs(1);
    let from = |place: usize| times[place..].iter().take_while(move |later| **later - times[place] < second);
    (0..times.len()).map(|place| from(place).count()).max().unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_to_wait_for_too_long_is_done_without_unless_it_is_the_last() {
    let (pacer, long) = (Pacer::new(told(100, 1), 2, PATIENCE), PATIENCE.max_wait * 2);
    let (first, other) = (pacer.admit(None).await.unwrap(), pacer.admit(None).await.unwrap());
    let second = pacer.admit(None).await.unwrap();
    assert_eq!((first.lane(), other.lane(), second.lane()), (0, 1, 0));
    // Both were in the air when the service began to refuse.
    for pass in [first, second] {
        assert!(pass.hold(long, Why::Refused) && pacer.fewer_tokens().is_some());
        pass.finish(Health::Throttled, None);
    }
    other.finish(Health::Up, None);
    for _ in 0..5 {
        let pass = pacer.admit(None).await.unwrap();
        assert_eq!(pass.lane(), 1);
        pass.finish(Health::Up, None);
    }
    let last = pacer.admit(None).await.unwrap();
    assert!(!last.hold(long, Why::Refused));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Whatever comes in between: bursts of rows, silence, holds, a process that is not given its time.
    #[test]
    fn no_second_holds_more_than_the_rate_and_its_burst(
        rate in 1u32..300,
        steps in proptest::collection::vec((0u8..4, 0u16..1500), 1..25),
    ) {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let times = runtime.block_on(async {
            let (pacer, mut times) = (pacer(rate, 1), Vec::new());
            for (kind, size) in steps {
                match kind {
                    0 => times.extend(many(&pacer, usize::from(size) / 10).await),
                    1 => tokio::time::sleep(Duration::from_millis(size.into())).await,
                    2 => {
                        let pass = pacer.admit(None).await.unwrap();
                        times.push(Instant::now());
                        pass.hold(Duration::from_millis(size.into()), Why::Down);
                        pass.finish(Health::Up, None);
                    }
                    _ => {
                        // Some are waiting while the clock jumps.
                        let (more, ()) = tokio::join!(
                            many(&pacer, 40), tokio::time::advance(Duration::from_millis(size.into())));
                        times.extend(more);
                    }
                }
            }
            times
        });
        let (most, allowed) = (most_in_a_second(&times), rate as usize + (rate as usize / 10).max(1));
        prop_assert!(most <= allowed, "{most} in a second at {rate}/s");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_leaves_before_a_hold_is_over() {
    let pacer = pacer(50, 1);
    let start = Instant::now();
    let pass = pacer.admit(None).await.unwrap();
    let asking = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(pass.hold(Duration::from_secs(7), Why::Down));
        assert!(pass.hold(Duration::from_secs(2), Why::Down), "a shorter hold changes nothing");
    };
    let (times, ()) = tokio::join!(many(&pacer, 500), asking);
    let held = start + Duration::from_secs(1)..start + Duration::from_secs(8);
    assert!(times.iter().all(|time| *time <= held.start || *time >= held.end));
    assert!((16.5..17.5).contains(&(*times.last().unwrap() - start).as_secs_f64()));
    assert_eq!(pacer.held(), Duration::from_secs(7));
}

#[tokio::test(start_paused = true)]
async fn a_wait_beyond_our_patience_is_refused() {
    let pacer = pacer(50, 1);
    let pass = pacer.admit(None).await.unwrap();
    for why in [Why::Refused, Why::RefusedWithoutAWord, Why::Down] {
        assert!(!pass.hold(Duration::from_secs(901), why) && !pass.hold(Duration::from_secs(u64::MAX), why));
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_429_one_request_goes_first() {
    let pacer = pacer(1_000_000, 1);
    let refused = pacer.admit(None).await.unwrap();
    assert!(refused.hold(Duration::from_secs(1), Why::Refused));
    refused.finish(Health::Throttled, None);
    let first = pacer.admit(None).await.unwrap();
    let second = pacer.admit(None);
    tokio::pin!(second);
    assert!(tokio::time::timeout(Duration::from_secs(5), &mut second).await.is_err());
    first.finish(Health::Up, None);
    let second = second.await.unwrap();
    let third = pacer.admit(None).await.unwrap();
    drop((second, third));
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_probed_and_then_given_up() {
    let pacer = pacer(1000, 1);
    let start = Instant::now();
    let mut sent = 0;
    let end = loop {
        match pacer.admit(None).await {
            Ok(pass) => pass.finish(Health::Failed(sent), None),
            Err(closed) => break closed,
        }
        sent += 1;
    };
    assert_eq!((end, start.elapsed().as_secs()), (Closed::Outage, 300));
    assert!(sent <= 15, "{sent}");
}

#[tokio::test(start_paused = true)]
async fn closing_ends_every_wait() {
    let pacer = pacer(1, 3600);
    let waits: Vec<_> = (0..8)
        .map(|_| {
            let pacer = Arc::clone(&pacer);
            tokio::spawn(async move { pacer.admit(None).await.map(drop) })
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(1)).await;
    pacer.close();
    let mut refused = 0;
    for wait in waits {
        refused += usize::from(wait.await.unwrap() == Err(Closed::Stopping));
    }
    assert_eq!((refused, Instant::now().elapsed().as_secs()), (7, 0));
}
