//! The body of a refusal, as it comes: [`Body`] keeps of it what there is room for. How long it is waited for is in `client.rs`.

use ws_core::Input;
use ws_core::handshake::client::Response;
use ws_core::http::{BodyError, BodyReader, Framing, Version};

/// A body being read.
#[derive(Debug)]
pub(crate) struct Body {
    bytes: Vec<u8>,
    room: usize,
    /// `None`: it cannot be told how it goes on.
    reader: Option<BodyReader>,
}

impl Body {
    /// Above, there is hardly a body.
    const MAX: u64 = u32::MAX as u64;

    /// The body of `response`, cut to `room`.
    pub(crate) fn new(response: Response<'_>, room: usize) -> Self {
        // Nothing comes behind it that could be taken for something else, and it tells a person what is wrong. So what is framed
        // badly is read as far as it goes.
        let framing = Framing::of_response(response.fields(), Version::Http11, response.status(), false);
        let framing = framing.unwrap_or_else(|error| match error {
            BodyError::TwoFramings | BodyError::UnknownCoding => Framing::Chunked, // it counts for more (RFC 9112 6.3)
            _ => Framing::Close,
        });
        let reader = match framing {
            Framing::Length(length) => BodyReader::new(Framing::Length(length), u64::MAX),
            framing => BodyReader::new(framing, Self::MAX),
        };
        Self { bytes: Vec::new(), room, reader: reader.ok() }
    }

    /// Takes what came.
    pub(crate) fn take(&mut self, input: &mut Input<'_>) {
        while !self.is_done()
            && let Some(reader) = &mut self.reader
        {
            match reader.receive(input) {
                Ok(Some(piece)) => {
                    let room = self.room.saturating_sub(self.bytes.len());
                    self.bytes.extend_from_slice(piece.get(..room).unwrap_or(piece));
                }
                Ok(None) => return,
                Err(_) => self.reader = None,
            }
        }
    }

    /// All has come, or all that there is room for.
    pub(crate) fn is_done(&self) -> bool {
        self.reader.as_ref().is_none_or(BodyReader::is_done) || self.bytes.len() >= self.room
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}
