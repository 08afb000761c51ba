//! A request whose head was read: [`Request`]. What it says of a WebSocket is read in
//! [`handshake::server`](crate::handshake::server), its body by [`body`](super::body).

use super::head::{self, Fields, HeadReader, Version};
use super::target::is_authority;
use super::{Target, field};
use crate::bytes::ascii::{split_once, text};

/// What a client asks for: a look at the head that a [`Handshake`](crate::handshake::server::Handshake) or an
/// [`Exchange`](super::exchange::Exchange) has read, and keeps.
///
/// # Memory
///
/// One word.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Request<'a> {
    reader: &'a HeadReader<'a>,
}

impl<'a> Request<'a> {
    /// Not for everyone: who reads a request has to keep the fields that it is checked by, `Origin` above all.
    pub(crate) const fn new(reader: &'a HeadReader<'a>) -> Self {
        Self { reader }
    }

    pub(crate) fn line(&self) -> &'a [u8] {
        self.reader.line()
    }

    /// The method, such as `GET`.
    pub fn method(&self) -> &'a str {
        split_once(self.line(), b' ').map_or("", |(method, _)| text(method))
    }

    /// What is asked for: route by its path.
    pub fn target(&self) -> Target<'a> {
        let target = head::request_line(self.line()).and_then(|line| Target::parse(text(line.target)));
        target.unwrap_or(Target { authority: None, path: "/", query: None })
    }

    /// The version of HTTP that the client speaks.
    pub fn version(&self) -> Version {
        head::version_asked(self.line())
    }

    /// Host and port, as the client knows them: those of the target if it names them, else those of the `Host` field
    /// (RFC 9112 3.2.2).
    pub fn host(&self) -> Option<&'a str> {
        self.target().authority.or(self.field(field::HOST))
    }

    /// The page that asks, if a browser says so. Browsers leave it out where a page reads from its own server.
    pub fn origin(&self) -> Option<&'a str> {
        self.field(field::ORIGIN)
    }

    /// The fields kept: those needed to serve requests, and those that the application wants.
    pub fn fields(&self) -> Fields<'a> {
        self.reader.fields()
    }

    /// The first field of that name (in lower case).
    pub fn field(&self, name: &str) -> Option<&'a str> {
        self.fields().first(name)
    }

    /// Since HTTP/1.1 each request says to whom it is, for a page as for a WebSocket (RFC 9112 3.2).
    pub(crate) fn has_valid_host(&self) -> bool {
        match self.fields().find(field::HOST) {
            Some(host) => is_authority(host),
            None => self.version() < Version::Http11,
        }
    }
}
