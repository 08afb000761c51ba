//! A computer in place of a board: its clock for embassy-time, its sockets, its randomness. A board's crates bring these.

use crate::Trust;
use crate::tls::{Memory, OpenError, Receiver, Sender, Tls};
use embassy_time_driver::{Driver, time_driver_impl};
use embedded_io_adapters::tokio_1::FromTokio;
use embedded_tls::TlsClock;
use rand_core::{OsRng, RngCore};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use std::{fmt, io};
use tokio::net::TcpStream;
use url::Url;
use ws_embassy::compression::CodecFor;
use ws_embassy::ws_core::handshake::client::Request;
use ws_embassy::{Client, Entropy, Error, Options, WebSocket, connect, io as ws_io};

/// A WebSocket inside TLS: over buffers that live as long as `'b`, with a codec that is lent for `'c`.
pub type TlsWebSocket<'b, 'c> =
    WebSocket<'c, ws_io::Reader<'b, Receiver<'b>>, ws_io::Writer<'b, Sender<'b>>, Client<Dice>>;

/// Why there is no session.
#[derive(Debug)]
#[non_exhaustive]
pub enum Failure {
    /// The URL does not begin with `wss://`, or has no host.
    Url,
    /// There is no TCP connection.
    Tcp(io::Error),
    /// There is no TLS.
    Tls(OpenError),
    /// There is no WebSocket, or the session failed.
    WebSocket(Error<embedded_tls::TlsError>),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url => f.write_str("this is no URL of the form wss://host/path"),
            Self::Tcp(error) => write!(f, "the server cannot be connected to: {error}"),
            Self::Tls(error) => error.fmt(f),
            Self::WebSocket(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Failure {}

/// Connects to a `wss://` URL, and talks. `codec` says whether compression is offered.
///
/// # Errors
///
/// See [`Failure`].
pub async fn run<'c, O>(
    url: &str,
    trust: Trust<'_>,
    options: &Options,
    codec: impl CodecFor<'c>,
    session: impl AsyncFnOnce(&mut TlsWebSocket<'_, 'c>) -> Result<O, Error<embedded_tls::TlsError>>,
) -> Result<O, Failure> {
    let url = Url::parse(url).ok().filter(|url| url.scheme() == "wss").ok_or(Failure::Url)?;
    let host = url.host_str().ok_or(Failure::Url)?;
    let name = host.trim_start_matches('[').trim_end_matches(']'); // an address of IPv6 has brackets only in a URL
    let port = url.port().unwrap_or(443);
    let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let stream = TcpStream::connect((name, port)).await.map_err(Failure::Tcp)?;
    stream.set_nodelay(true).map_err(Failure::Tcp)?;
    let (reader, writer) = stream.into_split();
    let (reader, writer) = (FromTokio::new(reader), FromTokio::new(writer));
    let mut memory = Memory::<16_640, 1024>::new();
    let talk = async |rx: Receiver<'_>, tx: Sender<'_>| {
        let (mut head, mut read, mut write) = ([0; 512], [0; 256], [0; 256]);
        let (reader, writer) = (ws_io::Reader::new(rx, &mut read), ws_io::Writer::new(tx, &mut write));
        let (mut ws, _) =
            connect(reader, writer, options, Request::new(&host, target), Dice, &mut head, codec).await?;
        session(&mut ws).await
    };
    Tls::new(name, trust)
        .run::<Calendar, _, _, _>(reader, writer, OsRng, &mut memory, talk)
        .await
        .map_err(Failure::Tls)?
        .map_err(Failure::WebSocket)
}

/// The operating system's randomness.
#[derive(Clone, Copy, Debug)]
pub struct Dice;

impl Entropy for Dice {
    fn fill(&mut self, bytes: &mut [u8]) {
        OsRng.fill_bytes(bytes);
    }
}

/// The date, for certificates.
struct Calendar;

impl TlsClock for Calendar {
    fn now() -> Option<u64> {
        SystemTime::now().duration_since(UNIX_EPOCH).ok().map(|time| time.as_secs())
    }
}

/// embassy-time's clock and alarms: a thread that sleeps until the next one.
struct Clock {
    start: OnceLock<Instant>,
    alarms: Mutex<Vec<(u64, Waker)>>,
    changed: Condvar,
}

time_driver_impl!(static CLOCK: Clock = Clock {
    start: OnceLock::new(),
    alarms: Mutex::new(Vec::new()),
    changed: Condvar::new(),
});

impl Driver for Clock {
    fn now(&self) -> u64 {
        let start = self.start.get_or_init(|| {
            thread::spawn(|| CLOCK.ring());
            Instant::now()
        });
        u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        let mut alarms = self.alarms();
        match alarms.iter_mut().find(|(_, other)| other.will_wake(waker)) {
            Some((earliest, _)) => *earliest = at.min(*earliest),
            None => alarms.push((at, waker.clone())),
        }
        self.changed.notify_one();
    }
}

impl Clock {
    fn alarms(&self) -> MutexGuard<'_, Vec<(u64, Waker)>> {
        self.alarms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes each task when its alarm is due, for ever.
    fn ring(&self) {
        let mut alarms = self.alarms();
        loop {
            let now = self.now();
            for (_, waker) in alarms.extract_if(.., |(at, _)| *at <= now) {
                waker.wake();
            }
            let next = alarms.iter().map(|(at, _)| at - now).min();
            let pause = Duration::from_micros(next.unwrap_or(u64::MAX).min(1_000_000));
            (alarms, _) = self.changed.wait_timeout(alarms, pause).unwrap_or_else(PoisonError::into_inner);
        }
    }
}
