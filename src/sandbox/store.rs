//! Owns the accounts and how they are found: by id, by name, in a list.
//!
//! Accounts are never removed, so an index stays valid for the life of the service.

use std::collections::HashMap;

use super::options::{Directory, Options};
use super::user::User;
use super::{ids, naming};

/// All accounts of the service.
pub(super) struct Store {
    users: Vec<User>,
    by_id: HashMap<String, usize>,
    by_name: HashMap<String, Vec<usize>>,
    case_exact: bool,
    on_demand: bool,
}

impl Store {
    pub(super) fn new(options: &Options) -> Self {
        let mut store = Self {
            users: Vec::new(),
            by_id: HashMap::new(),
            by_name: HashMap::new(),
            case_exact: options.case_exact,
            on_demand: matches!(options.directory, Directory::OnDemand),
        };
        let listed = match &options.directory {
            Directory::Listed(users) => users.as_slice(),
            Directory::OnDemand => &[],
        };
        for user in listed.iter().chain(&options.seed) {
            store.add(user.clone());
        }
        store
    }

    /// Adds an account under its own name. An id that is taken gives way to a random one.
    pub(super) fn add(&mut self, user: User) -> usize {
        let key = self.key(&user.user_name);
        self.add_under(key, user)
    }

    /// Adds an account that answers to `key`, whatever its own name is.
    fn add_under(&mut self, key: String, mut user: User) -> usize {
        if user.id.is_empty() {
            user.id = ids::derived(&key);
        }
        if self.by_id.contains_key(&user.id) {
            user.id = ids::random();
        }
        let index = self.users.len();
        self.by_id.insert(user.id.clone(), index);
        if !user.decoy {
            self.by_name.entry(key).or_default().push(index);
        }
        self.users.push(user);
        index
    }

    /// The accounts that answer to this name, created now if the directory is on demand.
    pub(super) fn find(&mut self, name: &str) -> Vec<usize> {
        let key = self.key(name);
        if let Some(found) = self.by_name.get(&key) {
            return found.clone();
        }
        if !self.on_demand {
            return Vec::new();
        }
        let made = naming::accounts(name, &key);
        made.into_iter().map(|user| self.add_under(key.clone(), user)).collect()
    }

    /// A real account, found by its id alone, that bears `name`: whoever patches it was fooled.
    pub(super) fn decoy(&mut self, name: &str) -> usize {
        let id = ids::derived(&format!("decoy {}", self.key(name)));
        if let Some(&index) = self.by_id.get(&id) {
            return index;
        }
        let mut user = User::new(name).id(id);
        user.decoy = true;
        self.add(user)
    }

    pub(super) fn index(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    pub(super) fn get(&self, index: usize) -> &User {
        &self.users[index]
    }

    /// Whether the account would take a new name that another bears already.
    pub(super) fn taken_by_other(&self, name: &str, index: usize) -> bool {
        let key = self.key(name);
        let renamed = key != self.key(&self.users[index].user_name);
        renamed && self.by_name.get(&key).is_some_and(|found| !found.is_empty())
    }

    /// Puts a changed account back, under its new name if it has one.
    pub(super) fn replace(&mut self, index: usize, user: User) {
        let old = self.key(&self.users[index].user_name);
        let new = self.key(&user.user_name);
        if old != new {
            if let Some(found) = self.by_name.get_mut(&old) {
                found.retain(|&other| other != index);
            }
            self.by_name.entry(new).or_default().push(index);
        }
        self.users[index] = user;
    }

    /// The accounts that a list shows, oldest first.
    pub(super) fn listed(&self) -> impl Iterator<Item = usize> {
        let users = self.users.iter().enumerate();
        users.filter(|(_, user)| !user.decoy).map(|(index, _)| index)
    }

    pub(super) fn all(&self) -> &[User] {
        &self.users
    }

    /// `userName` is case-insensitive (RFC 7643, section 4.1.1); here within ASCII.
    fn key(&self, name: &str) -> String {
        if self.case_exact { name.to_owned() } else { name.to_ascii_lowercase() }
    }
}
