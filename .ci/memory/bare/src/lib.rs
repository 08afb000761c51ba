//! In place of the application of `device`, with its interface: the same board, sockets and buffers, but an echo of bytes over
//! TCP. What an image with it lacks is what HTTP, WebSocket, page and application take.

#![no_std]
#![forbid(unsafe_code)]
#![expect(async_fn_in_trait, reason = "as in `device`")]

use embassy_net::Stack;
use embassy_net::tcp::TcpSocket;
use embassy_time::{Duration, Timer};

/// As in `device`.
pub trait Board {
    /// As in `device`.
    async fn set_led(&mut self, on: bool);

    /// As in `device`.
    async fn temperature(&mut self) -> i32;
}

/// As in `device`.
pub const SOCKETS: usize = 6;

/// As in `device`.
pub const WEBSOCKETS: usize = SOCKETS - 2;

/// As in `device`.
pub const PORT: u16 = 80;

/// There is none.
pub struct Compression(());

/// Nor memory for it.
pub struct CompressionBuffers(());

impl CompressionBuffers {
    /// To be put in a `static`.
    #[expect(clippy::new_without_default, reason = "nobody asks for one")]
    pub const fn new() -> Self {
        Self(())
    }
}

/// As in `device`.
pub const fn compression(_: &'static mut CompressionBuffers) -> Compression {
    Compression(())
}

/// There is none.
pub struct Push(());

/// Nor memory for it.
pub struct PushMemory(());

impl PushMemory {
    /// To be put in a `static`.
    #[expect(clippy::new_without_default, reason = "nobody asks for one")]
    pub const fn new() -> Self {
        Self(())
    }
}

/// As in `device`.
pub struct Random(pub fn(&mut [u8]));

/// As in `device`.
pub const fn push(_: &'static mut PushMemory, _: Random) -> Push {
    Push(())
}

/// As in `device`.
pub struct Memory {
    rx: [u8; 2048],
    tx: [u8; 2920],
    buf: [u8; 768],
}

impl Memory {
    /// To be put in a `static`.
    #[expect(clippy::new_without_default, reason = "nobody asks for one")]
    pub const fn new() -> Self {
        Self { rx: [0; 2048], tx: [0; 2920], buf: [0; 768] }
    }
}

/// As in `device`.
pub struct Device(());

impl Device {
    /// As in `device`.
    pub const fn new(_: &'static [Compression], _: Push) -> Self {
        Self(())
    }

    /// Asks of the board what the application asks of it.
    pub async fn run_board(&self, mut board: impl Board) -> ! {
        loop {
            let is_warm = board.temperature().await > 2000;
            board.set_led(is_warm).await;
            Timer::after(Duration::from_millis(500)).await;
        }
    }

    /// Echoes, to one client after the other.
    pub async fn serve(&self, stack: Stack<'_>, memory: &mut Memory) -> ! {
        let Memory { rx, tx, buf } = memory;
        let mut socket = TcpSocket::new(stack, rx, tx);
        loop {
            if socket.accept(PORT).await.is_ok() {
                while let Ok(n @ 1..) = socket.read(buf).await {
                    let mut rest = buf.get(..n).unwrap_or_default();
                    while let Ok(n @ 1..) = socket.write(rest).await {
                        rest = rest.get(n..).unwrap_or_default();
                    }
                }
            }
            socket.close();
            let _ = socket.flush().await;
            socket.abort();
            let _ = socket.flush().await;
        }
    }
}
