//! What a page promises, as far as no browser is needed for it. `tests/browser` does the rest.

mod samples;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};

use super::Page;
use super::page::{grouped, span};
use crate::domain::event::{Done, Ending, Trail};
use crate::domain::outcome::{Fail, Outcome};
use crate::views::facts::{Facts, Step, Timeline, Wait};

fn page(rows: &[Done], facts: &Facts) -> String {
    let mut out = Vec::new();
    let mut page = Page::begin(&mut out, "20260101T000000Z-ab12").unwrap();
    for row in rows {
        page.row(row, "2026-01-01T00:00:00.250Z").unwrap();
    }
    page.finish(facts).unwrap();
    String::from_utf8(out).unwrap()
}

fn done(line: u64, email: &str, outcome: Outcome) -> Done {
    let trail = Trail { user_id: Some(email.to_owned()), took_ms: Some(120), ..Trail::default() };
    Done { line, email: email.to_owned(), trail, ending: Ending::new(outcome, email) }
}

/// The data in a page, as a browser would read it.
fn data(page: &str) -> serde_json::Value {
    let (_, from) = page.split_once("<script type=\"application/json\" id=\"data\">").unwrap();
    serde_json::from_str(from.split_once("</script>").unwrap().0).unwrap()
}

const HOSTILE: [&str; 5] = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "<img src=x onerror=alert(1)>@example.com",
    "\"'&amp;{{ 7 * 7 }}{% raw %}",
    "a\u{2028}b",
];

#[test]
fn what_came_from_elsewhere_is_text() {
    let mut facts = samples::facts(3);
    facts.summary.input = HOSTILE[0].to_owned();
    facts.summary.warnings = HOSTILE.map(str::to_owned).to_vec();
    facts.target = HOSTILE[2].to_owned();
    let rows: Vec<Done> =
        (2..).zip(HOSTILE).map(|(line, text)| done(line, text, Outcome::Failed(Fail::Rejected))).collect();
    let text = page(&rows, &facts);
    let tags = |tag: &str| text.matches(tag).count();
    assert_eq!((tags("<script"), tags("</script"), tags("<img"), tags("<!--")), (2, 2, 0, 0));
    assert!(text.contains("&quot;&#x27;&amp;amp;{{ 7 * 7 }}"), "a value is no template");
    for (row, hostile) in data(&text)["rows"].as_array().unwrap().iter().zip(HOSTILE) {
        let kept = hostile.replace('\u{2028}', "");
        assert_eq!(
            (row[1].as_str(), row[3].as_str(), row[9].as_str()),
            (Some(&*kept), Some(&*kept), Some(&*kept))
        );
    }
}

#[test]
fn the_policy_names_what_is_in_the_page_and_nothing_else() {
    let text = page(&[], &samples::facts(0));
    let (_, policy) = text.split_once("http-equiv=\"Content-Security-Policy\" content=\"").unwrap();
    let policy = policy.split_once('"').unwrap().0.replace("&#x27;", "'").replace("&#x2f;", "/");
    let between = |open: &str, close: &str| {
        let (_, from) = text.rsplit_once(open).unwrap();
        let hash = digest(&SHA256, from.split_once(close).unwrap().0.as_bytes());
        format!("'sha256-{}'", STANDARD.encode(hash))
    };
    let (style, script) = (between("<style>", "</style>"), between("<script>", "</script>"));
    assert!(policy.starts_with(&format!("default-src 'none'; style-src {style}; script-src {script}; ")));
    assert!(policy.contains("base-uri 'none'; form-action 'none'"));
    for outside in ["http://", "https://", "url(//", "@import", "<link", "src=", " style=", " onclick="] {
        let text = text.replace("http://www.w3.org", "");
        assert!(!text.contains(outside), "{outside}");
    }
}

#[test]
fn a_row_is_whole_in_the_data() {
    let text = page(&[done(7, "a@example.com", Outcome::Failed(Fail::NotFound))], &samples::facts(1));
    let data = data(&text);
    let row = &data["rows"][0];
    assert_eq!(
        data["outcomes"][usize::try_from(row[2].as_u64().unwrap()).unwrap()],
        serde_json::json!(["failed", "not_found"])
    );
    assert_eq!(
        *row,
        serde_json::json!([
            7,
            "a@example.com",
            6,
            "a@example.com",
            0,
            null,
            0,
            120,
            1_767_225_600_250_u64,
            "a@example.com"
        ])
    );
}

#[test]
fn beyond_what_a_browser_holds_the_rows_that_matter_stay() {
    let mut out = Vec::new();
    let mut page = Page::begin(&mut out, "run").unwrap();
    let (plain, matters) = (done(2, "a", Outcome::Updated), done(3, "b", Outcome::Failed(Fail::NotFound)));
    for _ in 0..100_010 {
        page.row(&plain, "").unwrap();
    }
    for _ in 0..50_007 {
        page.row(&matters, "").unwrap();
    }
    page.finish(&samples::facts(150_017)).unwrap();
    let text = String::from_utf8(out).unwrap();
    let rows = data(&text)["rows"].as_array().unwrap().clone();
    assert_eq!(rows.len(), 150_000);
    assert_eq!(rows.iter().filter(|row| row[1] == "b").count(), 50_000);
    assert!(text.contains("150\u{202f}000 rows are in this table. 17 more are not"));
}

#[test]
fn a_long_run_makes_no_larger_plot_than_a_short_one() {
    let waits = (0..100_000).map(|at| Wait { from_ms: at * 6_000, to_ms: at * 6_000 + 3_000 }).collect();
    let steps = vec![Step { updated: 9, failed: 1, throttled: 3, ..Step::default() }; 240];
    let mut facts = samples::facts(0);
    facts.timeline = Timeline { start_ms: 0, step_ms: 2_520_000, steps, waits };
    let text = page(&[], &facts);
    assert!(text.len() < 400_000, "{}", text.len());
    assert!(text.contains("And 99\u{202f}900 more."));
}

#[test]
fn a_rehearsal_is_drawn_in_the_colour_of_its_legend() {
    let mut facts = samples::facts(9);
    facts.timeline.step_ms = 1000;
    facts.timeline.steps = vec![Step { updated: 9, ..Step::default() }];
    let drawn = |facts: &Facts| {
        let text = page(&[], facts);
        let has = |words: &str| text.contains(words);
        ["updated", "would_update"].map(|family| {
            let (bar, key) = (format!("<rect class=\"{family}\" x=\"6"), format!("class=\"key {family}\""));
            (has(&bar), has(&key), has(&format!("\n9 {family}</title>")))
        })
    };
    let (all, none) = ((true, true, true), (false, false, false));
    facts.summary.outcomes = [("updated", 9)].into();
    assert_eq!(drawn(&facts), [all, none]);
    facts.summary.dry_run = true;
    facts.summary.outcomes = [("would_update", 9)].into();
    assert_eq!(drawn(&facts), [none, all]);
}

#[test]
fn odd_times_make_a_page_all_the_same() {
    for (start_ms, step_ms) in [(0, 0), (u64::MAX, 1), (1, u64::MAX), (u64::MAX / 2, u64::MAX / 2)] {
        let mut facts = samples::facts(0);
        let waits = vec![Wait { from_ms: u64::MAX, to_ms: 3 }];
        facts.timeline = Timeline { start_ms, step_ms, steps: vec![Step::default(); 3], waits };
        assert!(page(&[], &facts).ends_with("</html>\n"));
    }
}

#[test]
fn the_verdict_has_the_sign_of_the_worst() {
    let sign = |facts: &Facts| {
        let text = page(&[], facts);
        text.split_once("<span class=\"sign\" aria-hidden=\"true\">").unwrap().1.chars().next().unwrap()
    };
    let mut facts = samples::facts(1);
    facts.summary.outcomes = [("updated", 1)].into();
    assert_eq!(sign(&facts), '✓');
    facts.summary.outcomes.insert("unknown", 1);
    assert_eq!(sign(&facts), '!');
    facts.stopped = Some("the deadline".to_owned());
    assert_eq!(sign(&facts), '✕');
}

#[test]
fn numbers_are_written_for_people() {
    assert_eq!(
        [0, 999, 1_000, 1_234_567].map(grouped),
        ["0", "999", "1\u{202f}000", "1\u{202f}234\u{202f}567"]
    );
    assert_eq!(
        [0, 999, 4_250, 42_000, 185_000, 7_800_000].map(span),
        ["0 ms", "999 ms", "4.2 s", "42 s", "3 min 05 s", "2 h 10 min"]
    );
}
