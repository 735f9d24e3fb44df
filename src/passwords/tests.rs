//! What holds for every password that is made.

use std::collections::{BTreeMap, HashSet};

use bip39::Language;
use proptest::prelude::*;

use super::alphabet::LEADING;
use super::policy::{Policy, resembles};
use super::randomness::Randomness;
use super::recipe::{Recipe, Style};
use super::spelling::Spelling;
use crate::domain::email::Email;

const STYLES: [Style; 3] = [Style::Random, Style::Readable, Style::Words(7)];

fn somebody() -> Email {
    Email::parse("ann@example.com").unwrap()
}

fn recipe(style: Style) -> Recipe {
    Recipe::new(style, Policy::DOCUMENTED).unwrap()
}

fn passwords(style: Style, number: usize) -> Vec<String> {
    let (mut recipe, email) = (recipe(style), somebody());
    (0..number).map(|_| recipe.make(&email).expose().to_owned()).collect()
}

/// Panics where counts are too uneven to come from equal chances. A fair source fails one time in
/// e^40 (Laurent and Massart's bound for chi-square).
fn assert_even(counts: &[usize], what: &str) {
    let float = |number: usize| f64::from(u32::try_from(number).unwrap());
    let expected = float(counts.iter().sum()) / float(counts.len());
    let chi_square: f64 = counts.iter().map(|count| (float(*count) - expected).powi(2) / expected).sum();
    let freedom = float(counts.len() - 1);
    let bound = freedom + 2.0 * (freedom * 40.0).sqrt() + 80.0;
    assert!(expected > 50.0, "{what}: too few to judge");
    assert!(chi_square < bound, "{what}: {chi_square} of {bound}, {counts:?}");
}

#[test]
fn no_number_is_favoured() {
    let mut randomness = Randomness::new().unwrap();
    // Ends for which the remainder of a division would show.
    for end in [40_000, 50_000, 65_535] {
        let mut counts = [0; 5];
        (0..4000).for_each(|_| counts[randomness.below(end) * 5 / end] += 1);
        assert_even(&counts, "numbers");
    }
    let mut counts = [0; 7];
    (0..1000).for_each(|_| counts[randomness.below(7)] += 1);
    assert_even(&counts, "small numbers");
}

#[test]
fn no_character_and_no_place_is_favoured() {
    for style in [Style::Random, Style::Readable] {
        let (mut characters, mut places) = (BTreeMap::<_, BTreeMap<char, usize>>::new(), Vec::new());
        for password in passwords(style, 1500) {
            let drawn = password.chars().filter(|c| style == Style::Random || *c != '-').collect::<Vec<_>>();
            places.resize(drawn.len() - 1, 0);
            for (place, c) in drawn.iter().enumerate() {
                let class = (c.is_uppercase(), c.is_lowercase(), c.is_numeric());
                *characters.entry(class).or_default().entry(*c).or_default() += 1;
                if c.is_numeric() {
                    places[place - 1] += 1;
                }
            }
        }
        assert!(characters.len() >= 3);
        for (class, counts) in characters {
            assert_even(&counts.into_values().collect::<Vec<_>>(), &format!("{style:?} {class:?}"));
        }
        assert_even(&places, "places of digits");
    }
}

#[test]
fn no_word_is_favoured() {
    let list = Language::English.word_list();
    let (mut firsts, mut lasts) = ([0; 16], [0; 16]);
    for password in passwords(Style::Words(7), 1500) {
        let words = password.to_ascii_lowercase();
        let words = words.split('-').collect::<Vec<_>>();
        let place = |word: &str| list.binary_search(&word).unwrap() / 128;
        assert_eq!(words.len(), 8);
        firsts[place(words[0])] += 1;
        lasts[place(words[6])] += 1;
        assert!("34679".contains(words[7]) && words[7].len() == 1);
    }
    assert_even(&firsts, "first words");
    assert_even(&lasts, "last words");
    assert!(
        list.iter().all(|word| (3..=8).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_lowercase()))
    );
}

#[test]
fn passwords_look_as_they_should() {
    let random = passwords(Style::Random, 1).remove(0);
    assert_eq!(random.len(), 23);
    let readable = passwords(Style::Readable, 1).remove(0);
    assert_eq!(readable.split('-').map(str::len).collect::<Vec<_>>(), [4; 7]);
    let phrase = passwords(Style::Words(9), 1).remove(0);
    assert_eq!(phrase.split('-').count(), 10);
    assert!(phrase.starts_with(|c: char| c.is_ascii_uppercase()));
}

#[test]
fn nobody_gets_the_password_of_another() {
    for style in STYLES {
        let made = passwords(style, 2000);
        assert_eq!(made.iter().collect::<HashSet<_>>().len(), 2000, "{style:?}");
    }
    // The memory itself, with something that would repeat.
    let mut recipe = recipe(Style::Random);
    let first = recipe.make(&somebody());
    assert!(!recipe.is_new(&first), "a password that was made is remembered");
}

#[test]
fn no_password_names_its_user() {
    // Every other passphrase holds one of these.
    let list = Language::English.word_list();
    let name = list.iter().filter(|word| word.len() >= 4).step_by(11).take(200).copied().collect::<Vec<_>>();
    for pieces in name.chunks(8) {
        let email = Email::parse(&format!("{}@example.com", pieces.join("."))).unwrap();
        let mut recipe = recipe(Style::Words(7));
        for _ in 0..40 {
            assert_eq!(resembles(&recipe.make(&email), &email), None);
        }
    }
}

#[test]
fn what_cannot_be_met_is_refused_in_words() {
    let policy = Policy::DOCUMENTED;
    let refusal = |style, policy| Recipe::new(style, policy).unwrap_err();
    assert_eq!(refusal(Style::Words(6), policy), "6 words are guessed too easily: 7 are the fewest");
    let capitals = Policy { min_upper: 9, ..policy };
    assert_eq!(refusal(Style::Words(7), capitals), "7 words do not always meet the policy: 9 always do");
    assert!(Recipe::new(Style::Words(9), capitals).is_ok());
    let short = Policy { max_length: 16, ..policy };
    let words = "a safe password that meets the policy takes 23 characters, and 16 are allowed";
    assert_eq!(refusal(Style::Random, short), words);
    assert!(refusal(Style::Readable, short).contains("takes 31 characters"));
    assert_eq!(refusal(Style::Words(7), short), "7 words can take 64 characters, and 16 are allowed");
    for hostile in [
        Policy { min_length: 401, ..policy },
        Policy { min_length: u16::MAX, min_upper: u16::MAX, min_digits: u16::MAX, ..policy },
        Policy { min_letters: u16::MAX, min_specials: u16::MAX, min_lower: u16::MAX, ..policy },
        Policy { min_specials: 390, min_digits: 20, ..policy },
    ] {
        for style in STYLES.into_iter().chain([Style::Words(u8::MAX)]) {
            assert!(Recipe::new(style, hostile).is_err(), "{style:?} {hostile:?}");
        }
    }
}

#[test]
fn debug_shows_nothing_that_was_made() {
    let mut recipe = recipe(Style::Random);
    let password = recipe.make(&somebody());
    let shown = format!("{recipe:?} {password:?}");
    assert!(!shown.contains(password.expose()) && !shown.contains("made"), "{shown}");
}

fn policies() -> impl Strategy<Value = Policy> {
    let lengths = (0..80_u16, prop_oneof![Just(400_u16), 20..100_u16]);
    (lengths, 0..30_u16, 0..12_u16, 0..12_u16, 0..12_u16, 0..12_u16).prop_map(
        |((min_length, max_length), min_letters, min_upper, min_lower, min_digits, min_specials)| Policy {
            min_length,
            max_length,
            min_letters,
            min_upper,
            min_lower,
            min_digits,
            min_specials,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_password_is_long_safe_and_meets_the_policy(
        policy in policies(),
        style in prop_oneof![Just(Style::Random), Just(Style::Readable), (7..20_u8).prop_map(Style::Words)],
        name in "[a-z]{1,9}([._+-][a-z0-9]{1,9}){0,2}",
    ) {
        let Ok(mut recipe) = Recipe::new(style, policy) else { return Ok(()) };
        let email = Email::parse(&format!("{name}@example.com")).unwrap();
        for _ in 0..4 {
            let password = recipe.make(&email);
            prop_assert_eq!(policy.breaches(&password), [""; 0], "{:?}", style);
            prop_assert_eq!(Policy { max_length: 400, ..Policy::DOCUMENTED }.breaches(&password), [""; 0]);
            prop_assert_eq!(resembles(&password, &email), None);
            let text = password.expose();
            prop_assert!(text.len() >= 20);
            prop_assert!(!text.starts_with(LEADING) && text.starts_with(|c: char| c.is_ascii_alphabetic()));
            prop_assert!(text.chars().all(|c| c.is_ascii_alphanumeric() || "+-=.:%@".contains(c)));
            if style == Style::Readable {
                prop_assert!(!text.contains(|c| "0OQo1Iil|2Zz5Ss6Gb8B9gq.:".contains(c) && c != '6' && c != '9'));
            }
        }
    }

    #[test]
    fn no_password_is_likelier_than_a_guess_at_128_bits(policy in policies()) {
        for spelling in [Spelling::random(&policy), Spelling::readable(&policy)].into_iter().flatten() {
            prop_assert!(spelling.bits() >= 128.0 && spelling.len() >= 20);
        }
    }
}
