//! Randomness as an argument: [`Entropy`]. The core has no random source, and no default for one.

/// A source of unpredictable bytes: a hardware generator, the operating system's, or a cryptographic generator
/// seeded by one of them.
///
/// A client needs one, for the key of its handshake (RFC 6455 4.1) and for a fresh masking key in each frame,
/// which nobody who supplies payload may be able to predict (RFC 6455 5.3, 10.3). A server needs none.
/// A counter, a clock or a linear generator will not do.
///
/// There is no default, so a client without a source is not compiled:
///
/// ```
/// use ws_core::{Client, Config, Connection, Entropy, Instant};
///
/// fn connected(source: impl Entropy) {
///     let ws = Connection::<Client<_>>::client(Config::DEFAULT, source, Instant::from_millis(0));
/// }
/// ```
///
/// ```compile_fail,E0277
/// # use ws_core::{Client, Config, Connection, Instant};
/// let ws = Connection::<Client<_>>::client(Config::DEFAULT, (), Instant::from_millis(0));
/// ```
pub trait Entropy {
    /// Fills all of `bytes`. Does not return before it has: an implementation that can fail must be asked to
    /// prove itself before it is handed to a connection.
    fn fill(&mut self, bytes: &mut [u8]);
}

impl<E: Entropy + ?Sized> Entropy for &mut E {
    fn fill(&mut self, bytes: &mut [u8]) {
        (**self).fill(bytes);
    }
}
