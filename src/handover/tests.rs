//! Sealing and opening together, and what a crash or a bad disk makes of the file between them.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use age::secrecy::ExposeSecret as _;
use age::x25519::Identity;
use proptest::prelude::*;
use tempfile::TempDir;

use super::recipients::Recipients;
use super::sealed::{Entry, Sealed};
use super::series::{MARK, Part, Series, framed};
use super::unsealed::{Fault, Opened, Unsealed};
use crate::domain::secret::Secret;

/// A folder with the file in it, and a key.
struct Desk {
    home: TempDir,
    key: Identity,
}

impl Desk {
    fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap(), key: Identity::generate() }
    }

    fn file(&self) -> PathBuf {
        self.home.path().join("generated.csv.age")
    }

    fn recipients(&self) -> Recipients {
        Recipients::parse(&[self.key.to_public().to_string()]).unwrap()
    }

    fn open(&self) -> Sealed {
        Sealed::open(&self.file(), self.recipients()).unwrap()
    }

    fn unsealed(&self) -> Vec<Result<Opened, Fault>> {
        unsealed(&fs::read(self.file()).unwrap(), &self.key)
    }
}

fn unsealed(bytes: &[u8], key: &Identity) -> Vec<Result<Opened, Fault>> {
    Unsealed::new(bytes, vec![key.clone()]).collect()
}

fn add(sealed: &mut Sealed, line: u64, password: &str) -> u64 {
    let password = Secret::new(password.to_owned());
    sealed.add(Entry { line, email: "ann@example.com", user_id: "an \"id\"", password: &password })
}

/// Number, line and password of what was opened.
fn seen(opened: &Opened) -> (u64, u64, &str) {
    (opened.seal, opened.line, opened.password.expose())
}

fn entries(found: &[Result<Opened, Fault>]) -> Vec<(u64, u64, &str)> {
    found.iter().filter_map(|found| found.as_ref().ok()).map(seen).collect()
}

fn faults(found: &[Result<Opened, Fault>]) -> Vec<String> {
    found.iter().filter_map(|found| found.as_ref().err()).map(ToString::to_string).collect()
}

fn canary() -> String {
    format!("Kanari\"en,\r\n{:016x}+ä&=%", rand::random::<u64>())
}

/// A file of two messages with two entries and one, and their passwords.
async fn three_entries(desk: &Desk) -> [String; 3] {
    let canaries = [(); 3].map(|()| canary());
    let mut sealed = desk.open();
    assert_eq!([add(&mut sealed, 2, &canaries[0]), add(&mut sealed, 3, &canaries[1])], [0, 1]);
    sealed.commit().await.unwrap();
    drop(sealed);
    let mut sealed = desk.open();
    assert_eq!(add(&mut sealed, 2, &canaries[2]), 2);
    sealed.commit().await.unwrap();
    sealed.commit().await.unwrap();
    canaries
}

#[tokio::test]
async fn what_is_sealed_comes_out_in_order_and_nothing_of_it_can_be_seen() {
    use std::os::unix::fs::PermissionsExt as _;

    let desk = Desk::new();
    let canaries = three_entries(&desk).await;
    let found = desk.unsealed();
    assert_eq!(entries(&found), [(0, 2, &*canaries[0]), (1, 3, &*canaries[1]), (2, 2, &*canaries[2])]);
    let first = found[0].as_ref().unwrap();
    assert_eq!((first.email.as_str(), first.user_id.as_str()), ("ann@example.com", "an \"id\""));
    assert_eq!(fs::metadata(desk.file()).unwrap().permissions().mode() & 0o777, 0o600);

    let mut sealed = desk.open();
    add(&mut sealed, 9, &canaries[0]);
    let text = format!("{sealed:?}{found:?}{}", fs::read_to_string(desk.file()).unwrap());
    for canary in &canaries {
        assert!(!text.contains(&canary[12..28]));
    }
    assert!(!text.contains("example.com") || format!("{found:?}").contains("example.com"));
    assert!(!fs::read_to_string(desk.file()).unwrap().contains("ann@"));
}

#[tokio::test]
async fn each_message_is_an_age_file_of_its_own() {
    let desk = Desk::new();
    let canaries = three_entries(&desk).await;
    let bytes = fs::read(desk.file()).unwrap();
    let parts = Series::new(&*bytes).map(Result::unwrap).collect::<Vec<_>>();
    let [Part::Message { armor, .. }, Part::Message { first: 2, last: 2, .. }] = &parts[..] else {
        panic!("{parts:?}");
    };
    let mut clear = String::new();
    let reader = age::Decryptor::new(age::armor::ArmoredReader::new(&armor[..])).unwrap();
    reader.decrypt([&desk.key as _].into_iter()).unwrap().read_to_string(&mut clear).unwrap();
    let quoted = |text: &str| text.replace('"', "\"\"");
    let cells = "\"ann@example.com\",\"an \"\"id\"\"\"";
    let [one, two] = [&canaries[0], &canaries[1]].map(|canary| quoted(canary));
    let expected =
        format!("seal,line,email,user_id,password\n0,2,{cells},\"{one}\"\n1,3,{cells},\"{two}\"\n");
    assert_eq!(clear, expected);
}

#[tokio::test]
async fn the_wrong_key_opens_nothing_and_each_recipient_everything() {
    let (desk, other) = (Desk::new(), Desk::new());
    three_entries(&desk).await;
    let found = unsealed(&fs::read(desk.file()).unwrap(), &other.key);
    let expected = [1, 2].map(|number| format!("message {number} is sealed to another key than this"));
    assert_eq!((entries(&found), faults(&found)), (vec![], expected.to_vec()));

    let keys = [&desk.key, &other.key].map(|key| key.to_public().to_string());
    let mut sealed = Sealed::open(&desk.file(), Recipients::parse(&keys).unwrap()).unwrap();
    assert_eq!(add(&mut sealed, 7, "both"), 3);
    sealed.commit().await.unwrap();
    let found = unsealed(&fs::read(desk.file()).unwrap(), &other.key);
    assert_eq!((entries(&found), faults(&found)), (vec![(3, 7, "both")], expected.to_vec()));
    assert_eq!((desk.unsealed().len(), faults(&desk.unsealed()).len()), (4, 0));

    let identities = desk.home.path().join("key.txt");
    fs::write(&identities, desk.key.to_string().expose_secret()).unwrap();
    assert_eq!(Unsealed::read(&desk.file(), &identities).unwrap().count(), 4);
    assert!(Unsealed::read(Path::new("/nowhere"), &identities).is_err());
}

#[tokio::test]
async fn a_file_that_is_something_else_is_refused_and_left_alone() {
    let desk = Desk::new();
    fs::write(desk.file(), "precious\n").unwrap();
    let error = Sealed::open(&desk.file(), desk.recipients()).unwrap_err();
    assert_eq!(error.to_string(), "message 1 is damaged: this is no message");
    assert_eq!(fs::read(desk.file()).unwrap(), b"precious\n");
    let link = desk.home.path().join("link");
    std::os::unix::fs::symlink(desk.file(), &link).unwrap();
    assert!(Sealed::open(&link, desk.recipients()).is_err());
}

#[tokio::test]
async fn every_flipped_byte_is_noticed_or_does_no_harm() {
    let desk = Desk::new();
    let canaries = three_entries(&desk).await;
    let all = [(0, 2, &*canaries[0]), (1, 3, &*canaries[1]), (2, 2, &*canaries[2])];
    let sound = fs::read(desk.file()).unwrap();
    let parts = |bytes: &[u8]| Series::new(bytes).map(Result::unwrap).collect::<Vec<_>>();
    let messages = parts(&sound);
    for place in 0..sound.len() {
        for bits in [0x01, 0x20, 0x80] {
            let mut bytes = sound.clone();
            bytes[place] ^= bits;
            let (whole, rest): (Vec<_>, Vec<_>) =
                parts(&bytes).into_iter().partition(|part| matches!(part, Part::Message { .. }));
            assert!(!rest.is_empty(), "byte {place} went unnoticed");
            assert!(!whole.is_empty(), "byte {place} took more than its message along");
            // What opens is what was sealed: the very same bytes under the very same numbers.
            assert!(whole.iter().all(|part| messages.contains(part)), "byte {place}");
            if bits == 1 && place % 61 == 0 {
                let found = unsealed(&bytes, &desk.key);
                assert!(
                    entries(&found).iter().all(|entry| all.contains(entry)) && !faults(&found).is_empty()
                );
            }
        }
    }
}

/// Who makes the digest fit still has to do with age.
#[tokio::test]
async fn a_change_with_a_digest_that_fits_never_makes_another_password() {
    let desk = Desk::new();
    let canaries = three_entries(&desk).await;
    let bytes = fs::read(desk.file()).unwrap();
    let Some(Ok(Part::Message { first, last, armor })) = Series::new(&*bytes).next() else { panic!() };
    let expected = [(0, 2, &*canaries[0]), (1, 3, &*canaries[1])];
    for place in (0..armor.len()).step_by(13) {
        let mut armor = armor.clone();
        armor[place] ^= 1;
        let found = unsealed(&framed(first, last, &armor), &desk.key);
        assert!(entries(&found).is_empty() || entries(&found) == expected, "byte {place}");
    }
    for (first, last) in [(0, 0), (0, 2), (1, 2)] {
        let found = unsealed(&framed(first, last, &armor), &desk.key);
        assert_eq!(faults(&found).len(), 1, "{first} to {last}");
    }
}

#[tokio::test]
async fn a_file_cut_anywhere_goes_on_after_what_is_whole() {
    let desk = Desk::new();
    let canaries = three_entries(&desk).await;
    let whole = fs::read(desk.file()).unwrap();
    let ends = [framed_length(&whole), whole.len() - 1];
    let all = [(0, 2, &*canaries[0]), (1, 3, &*canaries[1]), (2, 2, &*canaries[2])];
    for length in 0..whole.len() {
        fs::write(desk.file(), &whole[..length]).unwrap();
        let survivors: usize = if length < ends[0] {
            0
        } else if length < ends[1] {
            2
        } else {
            3
        };
        let torn = ![0, ends[0], ends[0] + 1, ends[1]].contains(&length);
        let mut series = Series::new(&whole[..length]);
        let parts = series.by_ref().map(Result::unwrap).collect::<Vec<_>>();
        assert_eq!(parts.iter().filter(|part| **part == Part::Torn).count(), usize::from(torn), "{length}");
        assert_eq!(parts.len(), usize::from(torn) + survivors.div_ceil(2), "{length}");
        assert_eq!(series.end().1, torn, "{length}");
        // Sealing and opening take longer than reading does.
        if length % 97 != 0 && ends.iter().all(|end| length.abs_diff(*end) > 2) {
            continue;
        }
        let mut sealed = desk.open();
        let seal = add(&mut sealed, 5, "new");
        assert!(seal >= survivors as u64, "{length}");
        sealed.commit().await.unwrap();
        add(&mut sealed, 6, "another");
        sealed.commit().await.unwrap();
        let expected =
            all.iter().take(survivors).copied().chain([(seal, 5, "new"), (seal + 1, 6, "another")]);
        let found = desk.unsealed();
        assert_eq!(entries(&found), expected.collect::<Vec<_>>(), "{length}");
        assert_eq!(faults(&found).len(), usize::from(torn), "{length}");
        assert!(faults(&found).iter().all(|fault| fault.ends_with("was cut short before it was used")));
    }
}

/// Bytes of the first message.
fn framed_length(bytes: &[u8]) -> usize {
    let end = b"-----END AGE ENCRYPTED FILE-----\n";
    bytes.windows(end.len()).position(|window| window == end).unwrap() + end.len()
}

#[tokio::test]
async fn a_message_that_is_gone_or_there_twice_is_noticed() {
    let desk = Desk::new();
    three_entries(&desk).await;
    let whole = fs::read(desk.file()).unwrap();
    let (one, two) = whole.split_at(framed_length(&whole) + 1);
    for (bytes, words) in [
        (two.to_vec(), "message 1 is damaged: entries before it are missing"),
        ([one, one, two].concat(), "message 2 is damaged: its entries are there already"),
        ([one, two, one].concat(), "message 3 is damaged: its entries are there already"),
    ] {
        assert_eq!(faults(&unsealed(&bytes, &desk.key)), [words]);
        fs::write(desk.file(), bytes).unwrap();
        let error = Sealed::open(&desk.file(), desk.recipients()).unwrap_err();
        assert_eq!(error.to_string(), words);
    }
}

fn fake(content: u64) -> Vec<u8> {
    let data = format!("{content:064}\n").repeat(usize::try_from(content % 4).unwrap());
    format!("-----BEGIN AGE ENCRYPTED FILE-----\n{data}-----END AGE ENCRYPTED FILE-----\n").into_bytes()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Sessions that write some messages and are then cut short in one more, or not: however often, what
    /// was finished is read in order, and no number is given twice.
    #[test]
    fn crash_after_crash_loses_nothing_that_was_finished(
        sessions in prop::collection::vec((prop::collection::vec(1..5_u64, 0..3), 0.0..1.0_f64), 1..8),
    ) {
        let (mut file, mut finished) = (Vec::new(), Vec::new());
        for (sizes, crash) in sessions {
            let mut series = Series::new(&*file);
            for part in series.by_ref() {
                prop_assert!(!matches!(part.unwrap(), Part::Damaged(_)));
            }
            let (mut next, mut torn) = series.end();
            let mut write = |file: &mut Vec<u8>, size: u64| {
                let message = framed(next, next + size - 1, &fake(next));
                file.extend([if torn { MARK } else { b"" }, &message].concat());
                (torn, next) = (false, next + size);
                next - size
            };
            for size in sizes {
                finished.push((write(&mut file, size), size));
            }
            let before = file.len();
            // At least the line break after its end is missing.
            write(&mut file, 3);
            let whole = file.len() - 1;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
            file.truncate(before + ((whole - before) as f64 * crash) as usize);
        }
        let (mut found, mut end) = (Vec::new(), 0);
        for part in Series::new(&*file).map(Result::unwrap) {
            if let Part::Message { first, last, armor } = part {
                prop_assert!(first >= end && armor == fake(first));
                found.push((first, last + 1 - first));
                end = last + 1;
            }
        }
        prop_assert_eq!(found, finished);
    }

    #[test]
    fn no_file_makes_the_reader_stumble(bytes in prop::collection::vec(any::<u8>(), 0..2000), key in any::<bool>()) {
        let text = [&framed(0, 0, &fake(1))[..if key { 150 } else { 0 }], &bytes[..], MARK].concat();
        let whole = Series::new(&*text).filter(|part| matches!(part, Ok(Part::Message { .. })));
        prop_assert_eq!(whole.count(), 0);
    }
}
