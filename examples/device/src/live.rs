//! The live feed: the state that all browsers see, and the switch that each of them can turn.

use core::cell::Cell;
use core::fmt::Write;
use embassy_futures::select::{Either, select};
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::signal::Signal;
use embassy_sync::watch::Watch;
use embassy_time::Instant;
use heapless::String;
use ws_embassy::{CloseCode, Error, Message, MessageBuffer, Server, UsageError, tcp};

/// What browsers see. A browser that takes it slower than it changes misses some, but never the latest.
#[derive(Clone, Copy)]
struct State {
    /// Hundredths of a degree Celsius.
    temperature: i32,
    led: bool,
}

pub(crate) struct Live {
    state: Watch<NoopRawMutex, State, { crate::SOCKETS }>,
    /// What the LED is to be; the latest wish counts.
    wish: Signal<NoopRawMutex, bool>,
    /// Browsers that watch.
    watching: Cell<u32>,
}

impl Live {
    pub(crate) const fn new() -> Self {
        Self { state: Watch::new(), wish: Signal::new(), watching: Cell::new(0) }
    }

    /// Shows all browsers a new state.
    pub(crate) fn show(&self, temperature: i32, led: bool) {
        self.state.sender().send(State { temperature, led });
    }

    /// Somebody wants the LED on or off.
    pub(crate) fn wish(&self, led: bool) {
        self.wish.signal(led);
    }

    /// Waits until somebody wants the LED on or off.
    pub(crate) async fn wanted(&self) -> bool {
        self.wish.wait().await
    }

    /// Serves one browser until it leaves.
    pub(crate) async fn serve(
        &self,
        ws: &mut tcp::WebSocket<'_, Server>,
        buf: &mut [u8],
    ) -> Result<(), tcp::Error> {
        let Some(mut state) = self.state.receiver() else { return Ok(()) }; // there are as many as sockets
        let _watcher = Watcher::of(&self.watching);
        let mut commands = MessageBuffer::new(buf);
        let is_done = {
            let (mut reader, mut writer) = ws.split();
            let tell = async {
                loop {
                    let text = self.describe(state.changed().await);
                    match writer.send_text(&text).await {
                        Ok(()) => {}
                        Err(Error::Usage(UsageError::Closing)) => core::future::pending().await, // the reader sees the end
                        Err(error) => return error,
                    }
                }
            };
            let obey = async {
                while let Some(message) = reader.read_message(&mut commands).await? {
                    match parse(message) {
                        Some(led) => self.wish(led),
                        None => return Ok::<_, tcp::Error>(false),
                    }
                }
                Ok(true)
            };
            match select(obey, tell).await {
                Either::First(is_done) => is_done?,
                Either::Second(error) => return Err(error),
            }
        };
        if !is_done {
            ws.close(CloseCode::POLICY_VIOLATION, "not a command of live.v1").await?;
        }
        Ok(())
    }

    /// Such as `{"temperature":23.45,"led":true,"uptime":12,"watching":1}`.
    fn describe(&self, State { temperature, led }: State) -> String<96> {
        let (sign, size) = (if temperature < 0 { "-" } else { "" }, temperature.unsigned_abs());
        let (whole, hundredths) = (size / 100, size % 100);
        let (uptime, watching) = (Instant::now().as_secs(), self.watching.get());
        let mut text = String::new();
        // The longest there can be fits.
        let _ = write!(
            text,
            r#"{{"temperature":{sign}{whole}.{hundredths:02},"led":{led},"uptime":{uptime},"watching":{watching}}}"#
        );
        text
    }
}

/// What the LED is to be: `{"led":true}` or `{"led":false}`, with any spaces.
pub(crate) fn parse(message: Message<'_>) -> Option<bool> {
    let Message::Text(text) = message else { return None };
    let is = |wanted: &str| text.bytes().filter(|byte| !byte.is_ascii_whitespace()).eq(wanted.bytes());
    if is(r#"{"led":true}"#) {
        Some(true)
    } else if is(r#"{"led":false}"#) {
        Some(false)
    } else {
        None
    }
}

/// Counts as one that watches, until it is dropped.
struct Watcher<'a>(&'a Cell<u32>);

impl<'a> Watcher<'a> {
    fn of(count: &'a Cell<u32>) -> Self {
        count.set(count.get().saturating_add(1));
        Self(count)
    }
}

impl Drop for Watcher<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_one_of_two() {
        for (text, led) in [(r#"{"led":true}"#, true), (" { \"led\" : false }\n", false)] {
            assert_eq!(parse(Message::Text(text)), Some(led));
        }
        for text in ["", "{}", r#"{"led":1}"#, r#"{"led":true}}"#, r#"{"led":truefalse}"#] {
            assert_eq!(parse(Message::Text(text)), None, "{text}");
        }
        assert_eq!(parse(Message::Binary(br#"{"led":true}"#)), None);
    }
}
