//! The log: plain lines through semihosting, each with the time since the start. Lines are short; the end of a long one is
//! lost.

use core::fmt::{self, Write as _};
use embassy_time::Instant;
use semihosting::io::{self, Write as _};

/// Writes a line to the log.
macro_rules! log {
    ($($arg:tt)*) => { $crate::log::line(format_args!($($arg)*)) };
}
pub(crate) use log;

/// Writes a line in one call of the host, so that no other comes into its middle.
pub(crate) fn line(args: fmt::Arguments<'_>) {
    let mut line = Line { bytes: [0; 160], len: 0 };
    let millis = Instant::now().as_millis();
    let _ = write!(line, "{:5}.{:03} {args}", millis / 1000, millis % 1000); // cut where it does not fit
    line.bytes[line.len] = b'\n';
    if let Ok(mut host) = io::stdout() {
        let _ = host.write_all(&line.bytes[..=line.len]); // nobody is left to tell
    }
}

struct Line {
    bytes: [u8; 160],
    /// At most one less than there is room for: the line break follows.
    len: usize,
}

impl fmt::Write for Line {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        let room = &mut self.bytes[self.len..159];
        let n = s.len().min(room.len());
        room[..n].copy_from_slice(&s.as_bytes()[..n]);
        self.len += n;
        if n == s.len() { Ok(()) } else { Err(fmt::Error) }
    }
}
