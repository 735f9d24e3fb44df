//! Who the list showed: name, id and version of the accounts that the input asks for.
//!
//! A rotation of a million users keeps a million of them, so an entry is its bytes and nothing more:
//! a header of three, the name, the id (16 bytes for a UUID) and the version, one after the other in
//! chunks of a fixed size, found through an open-addressing index of four bytes a place.
//!
//! Invariant: an entry is found by its whole name only, and never when its name was shown a second time.

use crate::domain::email::Email;
use crate::domain::wanted::Folding;
use crate::scim::identity::{Account, Listed};

use super::packed::{self, Entry};

/// Entries are packed into pieces of this size; none lies in two.
const CHUNK: usize = 1 << 16;

/// Accounts by name.
#[derive(Debug)]
pub(crate) struct Map {
    folding: Folding,
    /// One more than the place of an entry; 0 where there is none.
    index: Vec<u32>,
    chunks: Vec<Box<[u8]>>,
    /// Bytes of the last chunk that are taken.
    used: usize,
    entries: usize,
    most: usize,
}

impl Map {
    /// Room for so many names.
    pub(super) fn new(folding: Folding, most: usize) -> Self {
        // A fifth of the places stays free, so that a search soon comes to one.
        let index = vec![0; most + most / 4 + 1];
        Self { folding, index, chunks: Vec::new(), used: CHUNK, entries: 0, most }
    }

    /// Notes what the list shows of a name: an account, or that it has to be asked for. What is shown
    /// twice has to be asked for as well.
    pub(super) fn note(&mut self, name: &str, account: Option<&Account<'_>>) {
        let place = self.place(name);
        if let Some(at) = self.entry_at(place) {
            packed::kill(self.bytes_mut(at));
            return;
        }
        if self.entries < self.most
            && let Some(entry) = packed::pack(name, account)
            && let Some(at) = self.append(&entry)
        {
            self.index[place] = at + 1;
            self.entries += 1;
        }
    }

    /// The account that bears this name.
    pub(crate) fn find(&self, email: &Email) -> Option<Listed> {
        if self.entries == 0 {
            return None;
        }
        let at = self.entry_at(self.place(email.as_str()))?;
        self.entry(at).listed()
    }

    /// Has all those asked for of whose id this is so.
    pub(super) fn doubt(&mut self, so: impl Fn(&str) -> bool) {
        for place in 0..self.index.len() {
            let Some(at) = self.entry_at(place) else { continue };
            if self.entry(at).listed().is_some_and(|listed| so(&listed.id)) {
                packed::kill(self.bytes_mut(at));
            }
        }
    }

    /// The place of this name in the index, or the free one where it would be.
    fn place(&self, name: &str) -> usize {
        let places = self.index.len();
        // The upper half of the product spreads a hash over any number of places.
        let spread = (u128::from(self.folding.hash(name)) * places as u128) >> 64;
        let mut place = usize::try_from(spread).unwrap_or_default();
        while let Some(at) = self.entry_at(place) {
            if self.entry(at).bears(name) {
                break;
            }
            place = (place + 1) % places;
        }
        place
    }

    fn entry_at(&self, place: usize) -> Option<u32> {
        self.index[place].checked_sub(1)
    }

    fn entry(&self, at: u32) -> Entry<'_> {
        let (chunk, offset) = locate(at);
        Entry::read(&self.chunks[chunk][offset..])
    }

    fn bytes_mut(&mut self, at: u32) -> &mut [u8] {
        let (chunk, offset) = locate(at);
        &mut self.chunks[chunk][offset..]
    }

    /// Nothing when four gigabytes are full.
    fn append(&mut self, entry: &[u8]) -> Option<u32> {
        if self.used + entry.len() > CHUNK {
            self.chunks.push(vec![0; CHUNK].into_boxed_slice());
            self.used = 0;
        }
        let chunk = self.chunks.len() - 1;
        let at = u32::try_from(chunk * CHUNK + self.used).ok().filter(|at| *at < u32::MAX)?;
        self.chunks[chunk][self.used..self.used + entry.len()].copy_from_slice(entry);
        self.used += entry.len();
        Some(at)
    }
}

const fn locate(at: u32) -> (usize, usize) {
    (at as usize / CHUNK, at as usize % CHUNK)
}

#[cfg(test)]
mod tests {
    use std::hash::RandomState;

    use super::*;

    fn map(most: usize) -> Map {
        Map::new(Folding::new(RandomState::new()), most)
    }

    fn found(map: &Map, name: &str) -> Option<(String, String)> {
        map.find(&Email::parse(name).unwrap()).map(|listed| (listed.id, listed.version))
    }

    fn bytes(map: &Map) -> usize {
        let chunks = map.chunks.iter().map(|chunk| chunk.len()).sum::<usize>();
        map.index.capacity() * 4 + chunks + map.chunks.capacity() * size_of::<Box<[u8]>>() + size_of::<Map>()
    }

    #[test]
    fn a_user_takes_less_than_64_bytes() {
        const USERS: usize = 100_000;
        let mut map = map(USERS);
        let user = |n: usize| {
            (format!("firstname.name{n:06}@example.com"), format!("3f0c1e52-77a1-4be1-9e7e-{n:012x}"))
        };
        for n in 0..USERS {
            let (name, id) = user(n);
            map.note(&name, Some(&Account { id: &id, version: &format!("W/\"{}\"", n % 1000) }));
        }
        for n in 0..USERS {
            let (name, id) = user(n);
            assert_eq!(found(&map, &name), Some((id, format!("W/\"{}\"", n % 1000))));
        }
        let each = bytes(&map) / USERS;
        assert!((50..=64).contains(&each), "{each} bytes a user");
    }

    #[test]
    fn only_the_whole_name_finds_an_account() {
        let mut map = map(2);
        map.note("Ann@example.com", Some(&Account { id: "7", version: "1" }));
        assert_eq!(found(&map, "ann@EXAMPLE.com"), Some(("7".to_owned(), "1".to_owned())));
        // Every place holds the entry of another name, as if all hashes were one.
        let entry = map.index.iter().copied().max().unwrap();
        map.index.fill(entry);
        map.index[0] = 0;
        for other in ["ann@example.co", "xann@example.com", "аnn@example.com", "ann.@example.com"] {
            if let Some(email) = Email::parse(other) {
                assert!(map.find(&email).is_none(), "{other}");
            }
        }
    }

    #[test]
    fn what_is_shown_twice_or_without_an_account_has_to_be_asked_for() {
        let mut map = map(4);
        map.note("ann@example.com", Some(&Account { id: "7", version: "1" }));
        map.note("ANN@example.com", Some(&Account { id: "7", version: "1" }));
        map.note("bob@example.com", None);
        map.note("bob@example.com", Some(&Account { id: "8", version: "1" }));
        map.note("eve@example.com", Some(&Account { id: "9", version: "1" }));
        map.note("fay@example.com", Some(&Account { id: "10", version: "1" }));
        // There is no room left, so this one is not kept.
        map.note("gil@example.com", Some(&Account { id: "11", version: "1" }));
        map.doubt(|id| id == "10");
        let names = ["ann", "bob", "eve", "fay", "gil"].map(|name| format!("{name}@example.com"));
        assert_eq!(
            names.map(|name| found(&map, &name).map(|(id, _)| id)),
            [None, None, Some("9".to_owned()), None, None]
        );
    }

    #[test]
    fn a_map_without_room_keeps_nothing() {
        let mut map = map(0);
        map.note("ann@example.com", Some(&Account { id: "7", version: "1" }));
        assert_eq!(found(&map, "ann@example.com"), None);
    }
}
