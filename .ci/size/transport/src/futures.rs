//! The same transport as futures, which are always ready.

use core::convert::Infallible;
use core::pin::pin;
use core::task::{Context, Poll, Waker};

/// The transport.
pub struct Io;

impl embedded_io_async::ErrorType for Io {
    type Error = Infallible;
}

impl embedded_io_async::Read for Io {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, Infallible> {
        Ok(crate::read(buf))
    }
}

impl embedded_io_async::Write for Io {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, Infallible> {
        crate::write(buf);
        Ok(buf.len())
    }

    async fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// Polls `future` until it is ready.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}
