//! Owns the running service: its thread, its runtime, and the way to its truth.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use super::faults::Fault;
use super::options::Options;
use super::rules::Rules;
use super::server::{self, Shared, lock};
use super::truth::Truth;
use super::user::User;
use super::world::World;

/// A running service, on a thread and a runtime of its own, so that it fits into any program.
///
/// Dropping it stops it: connections are cut, answers under way are lost.
pub struct Sandbox {
    base: String,
    client_id: String,
    client_secret: String,
    world: Shared,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Sandbox {
    /// Starts the service on 127.0.0.1; once this returns, it listens.
    ///
    /// # Errors
    ///
    /// When the port is taken, or the system has no thread or descriptor left.
    pub fn start(options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port))?;
        listener.set_nonblocking(true)?;
        let base = format!("http://{}", listener.local_addr()?);
        let (client_id, client_secret) = (options.client_id.clone(), options.client_secret.clone());
        let world = Arc::new(Mutex::new(World::new(options, &base)));
        let (stop, stopped) = oneshot::channel();
        let thread = spawn(listener, Arc::clone(&world), stopped)?;
        Ok(Self { base, client_id, client_secret, world, stop: Some(stop), thread: Some(thread) })
    }

    /// `http://127.0.0.1:PORT`
    #[must_use]
    pub fn base_url(&self) -> String {
        self.base.clone()
    }

    /// The SCIM base, to which `/Users` is appended.
    #[must_use]
    pub fn scim_url(&self) -> String {
        format!("{}/api/v2/scim/v2", self.base)
    }

    /// The token endpoint.
    #[must_use]
    pub fn token_url(&self) -> String {
        format!("{}/oauth/token", self.base)
    }

    /// The OAuth client id.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The OAuth client secret.
    #[must_use]
    pub fn client_secret(&self) -> &str {
        &self.client_secret
    }

    /// Everything that happened so far, copied.
    #[must_use]
    pub fn truth(&self) -> Truth {
        lock(&self.world).truth()
    }

    /// The tokens issued so far, for a search through what a client leaves behind.
    #[must_use]
    pub fn issued_tokens(&self) -> Vec<String> {
        lock(&self.world).tokens.all()
    }

    /// Replaces the script of faults; the counts of the old one are forgotten.
    pub fn set_faults(&self, faults: Vec<Fault>) {
        lock(&self.world).rules = Rules::new(faults);
    }

    /// Adds a user and returns the id.
    #[expect(clippy::must_use_candidate, reason = "the id is known or not needed, mostly")]
    pub fn add_user(&self, user: User) -> String {
        let mut world = lock(&self.world);
        let index = world.store.add(user);
        world.store.get(index).id.clone()
    }

    /// Makes all tokens issued so far void.
    pub fn revoke_tokens(&self) {
        lock(&self.world).tokens.revoke_all();
    }

    /// Stops the service and waits until it is gone.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic over there was reported there already.
            let _ = thread.join();
        }
    }
}

/// Runs the service on a thread of its own until `stopped` resolves or its sender is gone.
fn spawn(listener: TcpListener, world: Shared, stopped: oneshot::Receiver<()>) -> io::Result<JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let listener = {
        let _context = runtime.enter();
        tokio::net::TcpListener::from_std(listener)?
    };
    let serve = async move {
        tokio::select! {
            () = server::serve(listener, world) => {}
            _ = stopped => {}
        }
    };
    let body = move || runtime.block_on(serve);
    std::thread::Builder::new().name("sandbox".into()).spawn(body)
}
