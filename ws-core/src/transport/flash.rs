//! Flash Socket: [`PolicyRequest`] and [`PolicyFile`], the exchange that Flash Player made before it opened a connection.
//!
//! How it worked: a Flash file in the page had raw TCP, and spoke the WebSocket protocol over it for browsers that had none. Before it
//! connected anywhere, the player asked the same host whether it might: it sent [`REQUEST`], and expected an XML file, a NUL, and the end of the
//! connection. It asked on port 843 first, then on the port that it wanted, so a server of HTTP can answer too: no request of HTTP
//! begins with `<`. Behind that the connection is a WebSocket as any other.
//!
//! What it costs: 23 bytes to compare, and a file of some 250.
//!
//! When to use it: never. No browser has run Flash since January 2021. It is here because it belongs to the history of these techniques, and because
//! it is so little.

use crate::bytes::{Input, Output};
use crate::error::UsageError;
use crate::http::pieces::Pieces;

/// What the player sends, byte for byte.
pub const REQUEST: &[u8; 23] = b"<policy-file-request/>\0";

/// Recognises the request, in any pieces.
///
/// # Memory
///
/// A byte.
///
/// ```
/// use ws_core::{Input, transport::{PolicyRequest, flash}};
/// let mut request = PolicyRequest::new();
/// let mut bytes = *flash::REQUEST;
/// assert!(PolicyRequest::is_begun_by(bytes[0]), "else: a request of HTTP");
/// assert_eq!(request.receive(&mut Input::new(&mut bytes)), Some(true));
/// ```
#[derive(Clone, Debug, Default)]
pub struct PolicyRequest {
    have: u8,
}

impl PolicyRequest {
    /// Nothing has come yet.
    pub const fn new() -> Self {
        Self { have: 0 }
    }

    /// The first byte of a connection begins such a request, and none of HTTP.
    pub const fn is_begun_by(byte: u8) -> bool {
        byte == b'<'
    }

    /// Reads on. `Some(true)`: it is whole, so answer with a [`PolicyFile`] and close. `Some(false)`: it is something else; answer 400 and
    /// close. `None`: read more.
    pub fn receive(&mut self, input: &mut Input<'_>) -> Option<bool> {
        loop {
            let Some(expected) = REQUEST.get(usize::from(self.have)) else { return Some(true) };
            let byte = input.rest().first()?;
            if byte != expected {
                return Some(false);
            }
            input.take(1);
            self.have = self.have.saturating_add(1);
        }
    }
}

/// The answer: pages of one domain may connect to some ports of this host.
///
/// # Memory
///
/// 5 words, and what is lent.
#[derive(Clone, Debug)]
pub struct PolicyFile<'a> {
    domain: &'a str,
    ports: &'a str,
    at: usize,
}

impl<'a> PolicyFile<'a> {
    /// Allows `domain`, a host without a port, to connect to `ports`: `80`, `80,443` or `8000-8010`. Neither can be `*`: any page of
    /// the world could then speak to this host.
    ///
    /// # Errors
    ///
    /// [`UsageError::BadField`]: something else.
    pub fn new(domain: &'a str, ports: &'a str) -> Result<Self, UsageError> {
        let is_domain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.');
        let is_port = |b: u8| b.is_ascii_digit() || matches!(b, b'-' | b',');
        if domain.is_empty()
            || ports.is_empty()
            || !domain.bytes().all(is_domain)
            || !ports.bytes().all(is_port)
        {
            return Err(UsageError::BadField);
        }
        Ok(Self { domain, ports, at: 0 })
    }

    /// Writes as much as fits. `true`: all is in `out`; write it out and close. `false`: write `out` out, clear it and call again.
    #[must_use = "`false` asks to be called again"]
    pub fn transmit(&mut self, out: &mut Output<'_>) -> bool {
        let mut pieces = Pieces::new(&mut self.at, out);
        pieces
            .put(b"<?xml version=\"1.0\"?><!DOCTYPE cross-domain-policy SYSTEM \"")
            .put(b"http://www.macromedia.com/xml/dtds/cross-domain-policy.dtd\"><cross-domain-policy>")
            .put(b"<allow-access-from domain=\"")
            .put(self.domain.as_bytes())
            .put(b"\" to-ports=\"")
            .put(self.ports.as_bytes())
            .put(b"\"/></cross-domain-policy>\0");
        pieces.is_done()
    }
}
