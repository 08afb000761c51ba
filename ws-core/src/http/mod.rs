//! The part of HTTP/1.1 that is spoken here (RFC 9110, 9112). Nothing of WebSocket.
//!
//! | you want | take |
//! | --- | --- |
//! | to serve a connection, request by request | [`Exchange`] |
//! | to know what is asked for | [`Request`], [`Target`] |
//! | to read a body | [`BodyReader`] |
//! | to answer | [`Response`]; without a known end, [`Stream`]; with what lies ready, [`Content`] |
//! | to say who may ask | [`OriginPolicy`], [`Cors`]; under which names, [`Hosts`] |
//! | to read a head of your own | [`head`] |

pub mod body;
mod content;
mod cors;
pub mod exchange;
pub(crate) mod field;
mod fields;
pub mod head;
mod hosts;
mod origin;
pub(crate) mod pieces;
mod request;
pub mod response;
pub mod stream;
pub mod target;

pub use body::{BodyError, BodyReader, Framing};
pub use content::Content;
pub(crate) use cors::is_preflight;
pub use cors::{Cors, CorsFields};
pub use exchange::Exchange;
pub use head::{Fields, HeadError, HeadLimits, Version};
pub use hosts::Hosts;
pub use origin::OriginPolicy;
pub use request::Request;
pub use response::Response;
pub use stream::{Chunks, Stream};
pub use target::Target;

/// Fields as they may stand in a log: their names, without values, which may be secret.
pub(crate) struct Names<'a>(pub(crate) &'a [(&'a str, &'a str)]);

impl core::fmt::Debug for Names<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// A caller's fields can go on the wire: their names are tokens, their values hold no line break.
pub(crate) fn are_fields(fields: &[(&str, &str)]) -> bool {
    use crate::bytes::ascii::{is_field_value, is_token};
    fields.iter().all(|(name, value)| is_token(name.as_bytes()) && is_field_value(value.as_bytes()))
}
