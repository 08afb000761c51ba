//! TLS under a WebSocket: [`Tls`] opens it over the two halves of a transport, and lends the two halves of what is inside to
//! a session. Whom to trust is said in `verify`.
//!
//! embedded-tls must not be dropped in the middle of a record: its place in the record would be lost. ws-embassy drops what
//! it waits for, at each heartbeat for instance. So two pumps, which are never dropped while the session lasts, read and write
//! TLS, and the session reads and writes pipes. That also lets both directions flow at once.

use crate::pipe::Pipe;
use crate::verify::{Provider, Suite, Trust};
use core::cell::Cell;
use core::convert::Infallible;
use core::future::pending;
use core::pin::pin;
use embassy_futures::join::join;
use embassy_futures::select::{Either, select};
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::mutex::Mutex;
use embassy_time::{Duration, with_timeout};
use embedded_io_async::{BufRead, Error, ErrorKind, ErrorType, Read, Write};
use embedded_tls::{
    CryptoRngCore, TlsClock, TlsConfig, TlsConnection, TlsContext, TlsError, TlsReader, TlsWriter,
};

/// How much is under way between a session and TLS, each way.
const PIPE: usize = 256;

/// What one connection works in.
///
/// How to size it: `READ` holds the longest record that the server sends, at most 16,640 bytes; `WRITE` the records that are
/// sent, and the client's hello, from 640 bytes on.
pub struct Memory<const READ: usize, const WRITE: usize> {
    read: [u8; READ],
    write: [u8; WRITE],
}

impl<const READ: usize, const WRITE: usize> Memory<READ, WRITE> {
    /// To be put in a `static`.
    pub const fn new() -> Self {
        Self { read: [0; READ], write: [0; WRITE] }
    }
}

impl<const READ: usize, const WRITE: usize> Default for Memory<READ, WRITE> {
    fn default() -> Self {
        Self::new()
    }
}

/// How to open TLS.
#[derive(Clone, Copy, Debug)]
pub struct Tls<'a> {
    /// The server's name, which its certificate has to bear.
    pub name: &'a str,
    /// Whom to believe.
    pub trust: Trust<'a>,
    /// The handshake has to be done within this time.
    pub handshake_timeout: Duration,
    /// What is left to be sent behind the session has to be within this time.
    pub linger: Duration,
}

/// Why there is no TLS.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// The handshake took too long.
    TimedOut,
    /// The server showed no certificate.
    Unauthenticated,
    /// The handshake failed otherwise.
    Tls(TlsError),
}

impl core::fmt::Display for OpenError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        use embedded_tls::alert::AlertDescription;
        f.write_str(match self {
            Self::TimedOut => "the TLS handshake took too long",
            Self::Unauthenticated => "the server did not prove who it is",
            Self::Tls(TlsError::InvalidCertificate | TlsError::InvalidSignature) => {
                "the server's certificate is not trusted: another issuer, another name, expired, or a chain"
            }
            Self::Tls(TlsError::HandshakeAborted(_, AlertDescription::ProtocolVersion)) => {
                "the server does not speak TLS 1.3"
            }
            Self::Tls(error) => return write!(f, "TLS failed: {error}"),
        })
    }
}

impl core::error::Error for OpenError {}

impl<'a> Tls<'a> {
    /// TLS with the server `name`: 10 s for the handshake, 2 s for what is left at the end.
    pub const fn new(name: &'a str, trust: Trust<'a>) -> Self {
        Self { name, trust, handshake_timeout: Duration::from_secs(10), linger: Duration::from_secs(2) }
    }

    /// Opens TLS over `reader` and `writer`, lets `session` talk inside, and closes it. `C` is the clock that certificates
    /// are dated by. Then close the transport.
    ///
    /// Dropped, the connection is lost.
    ///
    /// # Errors
    ///
    /// [`OpenError`], before `session` is called.
    pub async fn run<C: TlsClock, O, const READ: usize, const WRITE: usize>(
        &self,
        reader: impl Read,
        writer: impl Write,
        rng: impl CryptoRngCore,
        memory: &mut Memory<READ, WRITE>,
        session: impl AsyncFnOnce(Receiver<'_>, Sender<'_>) -> O,
    ) -> Result<O, OpenError> {
        let (reader, writer) = (Mutex::new(reader), Mutex::new(writer));
        let transport = Halves { reader: &reader, writer: &writer };
        let mut tls = TlsConnection::new(transport, &mut memory.read, &mut memory.write);
        self.open::<C, _>(&mut tls, rng).await?;
        let is_sent = Cell::new(None);
        let outcome = {
            let (incoming, outgoing) = (Pipe::new(), Pipe::new());
            let (tls_reader, tls_writer) = tls.split();
            let mut sending = pin!(async { is_sent.set(Some(send(tls_writer, &outgoing).await.is_ok())) });
            let pumps = async {
                join(receive(tls_reader, &incoming), sending.as_mut()).await;
                pending::<Infallible>().await
            };
            let talk = session(Receiver(&incoming), Sender(&outgoing));
            let outcome = match select(talk, pumps).await {
                Either::First(outcome) => outcome,
                Either::Second(never) => match never {},
            };
            outgoing.close();
            if is_sent.get().is_none() {
                let _ = with_timeout(self.linger, sending).await;
            }
            outcome
        };
        // Inside a record nothing more can be said; and whom the server has left has nobody to say it to.
        if is_sent.get() == Some(true) && tls.is_opened() {
            let _ = with_timeout(self.linger, tls.close()).await;
        }
        Ok(outcome)
    }

    /// The handshake. What it needs is given back behind it.
    async fn open<C: TlsClock, T: Read + Write>(
        &self,
        tls: &mut TlsConnection<'_, T, Suite>,
        rng: impl CryptoRngCore,
    ) -> Result<(), OpenError> {
        let config = TlsConfig::new().with_server_name(self.name);
        let mut provider = Provider::<_, C>::new(rng, self.trust);
        with_timeout(self.handshake_timeout, tls.open(TlsContext::new(&config, &mut provider)))
            .await
            .map_err(|_| OpenError::TimedOut)?
            .map_err(OpenError::Tls)?;
        if provider.is_content() { Ok(()) } else { Err(OpenError::Unauthenticated) }
    }
}

/// Moves what TLS receives into the pipe, until there is no more.
async fn receive<T: Read>(mut tls: TlsReader<'_, T, Suite>, incoming: &Pipe<PIPE>) {
    loop {
        let count = match tls.fill_buf().await {
            Ok(bytes) => incoming.write(bytes).await,
            Err(error) => Err(error),
        };
        match count {
            Ok(count) => tls.consume(count),
            Err(TlsError::ConnectionClosed) => return incoming.close(),
            // The transport ended and TLS did not: whoever did that may have cut something off (RFC 8446 6.1).
            Err(error) => return incoming.fail(error),
        }
    }
}

/// Moves what is in the pipe out through TLS, until it is closed and empty.
async fn send<T: Write>(mut tls: TlsWriter<'_, T, Suite>, outgoing: &Pipe<PIPE>) -> Result<(), TlsError> {
    let pass_on = async {
        let mut chunk = [0; PIPE];
        loop {
            // What comes together goes into one record.
            let count = outgoing.read(&mut chunk).await?;
            if count == 0 {
                return Ok(());
            }
            let mut rest = chunk.get(..count).unwrap_or_default();
            while !rest.is_empty() {
                let taken = tls.write(rest).await?;
                rest = rest.get(taken..).unwrap_or_default();
            }
            if outgoing.is_empty() {
                tls.flush().await?;
                outgoing.flushed();
            }
        }
    };
    pass_on.await.inspect_err(|error| outgoing.fail(*error))
}

/// What the server says.
pub struct Receiver<'p>(&'p Pipe<PIPE>);

impl ErrorType for Receiver<'_> {
    type Error = TlsError;
}

impl Read for Receiver<'_> {
    /// Cancel-safe.
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, TlsError> {
        self.0.read(buf).await
    }
}

/// What the server is told.
pub struct Sender<'p>(&'p Pipe<PIPE>);

impl ErrorType for Sender<'_> {
    type Error = TlsError;
}

impl Write for Sender<'_> {
    /// Cancel-safe.
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, TlsError> {
        self.0.write(bytes).await
    }

    /// Waits until all is with the transport. Cancel-safe.
    async fn flush(&mut self) -> Result<(), TlsError> {
        self.0.flush().await
    }
}

/// The two halves of a transport, in the one piece that embedded-tls asks for, and can be given twice.
struct Halves<'a, R, W> {
    reader: &'a Mutex<NoopRawMutex, R>,
    writer: &'a Mutex<NoopRawMutex, W>,
}

impl<R, W> Clone for Halves<'_, R, W> {
    fn clone(&self) -> Self {
        Self { reader: self.reader, writer: self.writer }
    }
}

/// Both fail in their own way; TLS asks for the kind alone.
impl<R, W> ErrorType for Halves<'_, R, W> {
    type Error = ErrorKind;
}

impl<R: Read, W> Read for Halves<'_, R, W> {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        self.reader.lock().await.read(buf).await.map_err(|error| error.kind())
    }
}

impl<R, W: Write> Write for Halves<'_, R, W> {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        self.writer.lock().await.write(bytes).await.map_err(|error| error.kind())
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        self.writer.lock().await.flush().await.map_err(|error| error.kind())
    }
}
