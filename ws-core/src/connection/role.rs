//! Server and client as types: what differs between them is decided when the program is compiled, so a server's
//! image holds no code that masks.

use crate::entropy::Entropy;

/// [`Server`] or [`Client`]. Cannot be implemented elsewhere.
pub trait Role: sealed::Sealed {}

pub(super) mod sealed {
    pub trait Sealed {
        /// This end masks what it sends; the other end, then, does not (RFC 6455 5.1).
        const MASKS: bool;

        /// A fresh masking key, which becomes the current one. Zero in a role that does not mask.
        fn new_key(&mut self) -> u32;

        /// The key for the next byte of the frame that is going out.
        fn key(&self) -> u32;

        fn set_key(&mut self, key: u32);
    }
}

/// The end that accepted the connection.
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(test, derive(Clone, PartialEq, Eq, Hash))]
pub struct Server(());

impl Server {
    pub(super) const NEW: Self = Self(());
}

impl Role for Server {}

impl sealed::Sealed for Server {
    const MASKS: bool = false;

    #[inline]
    fn new_key(&mut self) -> u32 {
        0
    }

    #[inline]
    fn key(&self) -> u32 {
        0
    }

    #[inline]
    fn set_key(&mut self, _key: u32) {}
}

/// The end that asked for the connection. It masks each frame with a fresh key out of `E` (RFC 6455 5.3).
#[cfg_attr(test, derive(Clone, PartialEq, Eq, Hash))]
pub struct Client<E> {
    entropy: E,
    key: u32,
}

impl<E> Client<E> {
    pub(super) const fn new(entropy: E) -> Self {
        Self { entropy, key: 0 }
    }
}

impl<E: Entropy> Role for Client<E> {}

impl<E: Entropy> sealed::Sealed for Client<E> {
    const MASKS: bool = true;

    fn new_key(&mut self) -> u32 {
        let mut key = [0; 4];
        self.entropy.fill(&mut key);
        self.key = u32::from_le_bytes(key);
        self.key
    }

    #[inline]
    fn key(&self) -> u32 {
        self.key
    }

    #[inline]
    fn set_key(&mut self, key: u32) {
        self.key = key;
    }
}

impl<E> core::fmt::Debug for Client<E> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Client") // neither the generator nor the key belongs into a log
    }
}

#[cfg(feature = "defmt")]
impl<E> defmt::Format for Client<E> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Client");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Secret;

    impl Entropy for Secret {
        fn fill(&mut self, bytes: &mut [u8]) {
            bytes.fill(0xab);
        }
    }

    #[test]
    fn a_client_shows_neither_its_generator_nor_its_key() {
        let mut client = Client::new(Secret);
        assert_eq!(sealed::Sealed::new_key(&mut client), 0xabab_abab);
        assert_eq!(format!("{client:?}"), "Client");
    }
}
