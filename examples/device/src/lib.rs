//! The application that every board runs: a page that plots the temperature live and switches the LED, for several browsers
//! at once, and an echo. Boards bring up a network stack and implement [`Board`]; all else is here.
//!
//! | path | what |
//! | --- | --- |
//! | `/` | the page, compressed, from flash |
//! | `/transports` | a page that shows all ways to push side by side, the demo's |
//! | `/push` | the same state as events, by every way to push them to a browser; what a client says there is sent back to it |
//! | `/push.js` | the script that finds the way that gets through |
//! | `/live` | a WebSocket, subprotocol `live.v1`: the state in JSON, each half second and when the LED changes; and the LED's switch |
//! | `/echo` | a WebSocket that sends back what it gets, messages of any length |
//!
//! Messages are compressed for clients that keep to a window of 512 bytes, as Chromium does. Nothing that is sent is secret, so
//! each may refer to those before it.
//!
//! A board has one task that calls [`Device::run_board`], and [`SOCKETS`] tasks that call [`Device::serve`].

#![no_std]
#![forbid(unsafe_code)]
#![expect(async_fn_in_trait, reason = "all runs on one executor, so no future has to be `Send`")]

mod feed;
mod live;
mod routes;
#[cfg(feature = "wifi")]
pub mod wifi;

use core::cell::RefCell;
use embassy_futures::select::{Either, select};
use embassy_net::Stack;
use embassy_time::{Duration, Ticker, Timer};
pub use feed::{Push, PushMemory, Random, SESSIONS, push};
use live::Live;
use ws_embassy::compression;
use ws_embassy::server::{self, Hosts, Server, Settings};
use ws_embassy::ws_core::deflate::{Effort, Small};

/// What the application needs of a board.
pub trait Board {
    /// Switches the LED.
    async fn set_led(&mut self, on: bool);

    /// Measures the temperature: hundredths of a degree Celsius.
    async fn temperature(&mut self) -> i32;
}

/// TCP sockets of the server, a task each.
pub const SOCKETS: usize = 6;

/// How many of them can be WebSockets at once.
pub const WEBSOCKETS: usize = SOCKETS - 2;

/// Where the server listens.
pub const PORT: u16 = 80;

/// What one socket works in: two segments to send, and less to receive, as browsers say little; and 768 bytes for the head of a request, then for messages.
pub type Memory = server::Memory<2048, 2920, 768>;

/// What one WebSocket works in if its messages are compressed.
pub type CompressionBuffers = compression::CompressionBuffers<512, 512, 128, 512, 1024>;

/// What compresses them, for one WebSocket after the other.
pub type Compression = RefCell<compression::Compression<'static, Small>>;

/// Of its buffers.
pub fn compression(buffers: &'static mut CompressionBuffers) -> Compression {
    RefCell::new(buffers.compression(Effort::QUICK).with_takeover().with_threshold(16))
}

/// Between two switches of the LED at least: whoever asks for more is not to keep all browsers busy.
const SETTLE: Duration = Duration::from_millis(20);
/// Between two events of the feed.
const PERIOD: Duration = Duration::from_millis(250);
/// Events for one temperature.
const EVENTS: u8 = 2;

/// The application. All its tasks share one, so they run on one executor.
pub struct Device {
    server: Server<'static, compression::Compression<'static, Small>>,
    live: Live,
    push: Push,
}

impl Device {
    /// An application that nobody runs yet, which compresses messages of as many WebSockets as there are of these: up to
    /// [`WEBSOCKETS`]. Its events go out by [`push`].
    pub const fn new(compression: &'static [Compression], push: Push) -> Self {
        let settings = Settings {
            port: PORT,
            // No name can be pointed at this device but these; an emulated one is reached as localhost.
            hosts: Hosts::Addresses(&["localhost"]),
            ..Settings::for_sockets(SOCKETS)
        };
        Self { server: Server::new(settings).with_compression(compression), live: Live::new(), push }
    }

    /// Measures, and switches the LED as browsers ask. For one task.
    pub async fn run_board(&self, mut board: impl Board) -> ! {
        let mut ticker = Ticker::every(PERIOD);
        let mut led = false;
        board.set_led(led).await;
        let (mut temperature, mut ticks, mut events) = (board.temperature().await, 0u8, 0u32);
        self.live.show(temperature, led);
        loop {
            events = events.wrapping_add(1);
            self.publish(events, temperature, led);
            // The time comes first: who switches without a pause keeps nobody from being told the temperature.
            match select(ticker.next(), self.changed(led)).await {
                Either::First(()) => {
                    ticks = ticks.wrapping_add(1);
                    if ticks % EVENTS == 0 {
                        temperature = board.temperature().await;
                        self.live.show(temperature, led);
                    }
                }
                Either::Second(wanted) => {
                    led = wanted;
                    board.set_led(led).await;
                    self.live.show(temperature, led);
                    Timer::after(SETTLE).await;
                }
            }
        }
    }

    /// What the LED is to be, once that is not what it is.
    async fn changed(&self, led: bool) -> bool {
        loop {
            let wanted = self.live.wanted().await;
            if wanted != led {
                return wanted;
            }
        }
    }

    /// Serves one client after the other. For [`SOCKETS`] tasks, each with a memory of its own.
    pub async fn serve(&self, stack: Stack<'_>, memory: &mut Memory) -> ! {
        self.server.run(stack, memory, self).await
    }
}
