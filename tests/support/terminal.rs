//! A terminal with somebody at it: the program's standard input and error, and what is seen on it.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::program::{Finished, Program};

/// A program, and who sits at its terminal.
#[derive(Debug)]
pub(crate) struct Seat {
    child: Child,
    master: File,
    printed: Arc<Mutex<Vec<u8>>>,
    reading: Option<JoinHandle<()>>,
}

impl Program {
    /// Starts it at a terminal of so many columns.
    pub(crate) fn at_terminal(mut self, columns: u16) -> Seat {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let slave = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        resize(&master, columns);
        let side = || Stdio::from(slave.try_clone().unwrap());
        self.command.stdin(side()).stderr(side()).stdout(Stdio::null());
        let child = self.command.spawn().expect("the program starts");
        // Or the terminal would never be closed.
        drop((self, slave));
        let (master, printed) = (File::from(master), Arc::<Mutex<Vec<u8>>>::default());
        let (mut reader, shared) = (master.try_clone().unwrap(), Arc::clone(&printed));
        let reading = std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // A terminal that nobody has open any more is an error to read from.
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                shared.lock().unwrap().extend(&bytes[..count]);
            }
        });
        Seat { child, master, printed, reading: Some(reading) }
    }
}

fn resize(terminal: impl std::os::fd::AsFd, columns: u16) {
    tcsetwinsize(terminal, Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
}

impl Seat {
    /// Everything that was printed so far.
    pub(crate) fn printed(&self) -> String {
        String::from_utf8_lossy(&self.printed.lock().unwrap()).into_owned()
    }

    /// Waits until this is printed.
    #[track_caller]
    pub(crate) fn shows(&self, text: &str) {
        super::until(text, || self.printed().contains(text));
    }

    pub(crate) fn types(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).unwrap();
    }

    /// Sends a signal, by the name that kill(1) knows.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(status.is_ok_and(|status| status.success()), "kill -s {name}");
    }

    /// Waits for the end.
    #[track_caller]
    pub(crate) fn ends(mut self) -> Finished {
        super::until("the program ends", || self.child.try_wait().unwrap().is_some());
        let status = self.child.wait().unwrap();
        self.reading.take().unwrap().join().unwrap();
        Finished { status, stdout: String::new(), stderr: self.printed() }
    }
}

impl Drop for Seat {
    /// A test that fails half-way leaves no process behind.
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// The lines that a terminal of so many columns shows of this, colours aside. It knows no more than a bar of
/// one line needs: whatever else drives a terminal fails.
pub(crate) fn seen(printed: &str, columns: usize) -> Vec<String> {
    let (mut lines, mut row, mut column) = (vec![Vec::new()], 0, 0);
    let mut chars = printed.chars();
    while let Some(c) = chars.next() {
        match c {
            '\r' => column = 0,
            '\n' => row += 1,
            '\u{1b}' => {
                assert_eq!(chars.next(), Some('['), "{printed:?}");
                let rest = chars.as_str();
                let end = rest.find(|c: char| c.is_ascii_alphabetic()).unwrap();
                let (code, what) = (&rest[..end], rest.as_bytes()[end]);
                chars = rest[end + 1..].chars();
                let number = code.parse().unwrap_or(1);
                match what {
                    b'm' => {}
                    b'K' => lines[row].truncate(column),
                    b'A' => row -= number,
                    b'B' => row += number,
                    _ => panic!("{code}{what}"),
                }
            }
            c => {
                if column == columns {
                    (row, column) = (row + 1, 0);
                }
                lines.resize(lines.len().max(row + 1), Vec::new());
                let line = &mut lines[row];
                line.resize(line.len().max(column + 1), ' ');
                line[column] = c;
                column += 1;
            }
        }
        lines.resize(lines.len().max(row + 1), Vec::new());
    }
    lines.into_iter().map(|line| line.into_iter().collect::<String>().trim_end().to_owned()).collect()
}
