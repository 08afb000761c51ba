//! What an application says to a request: [`Service`], [`Answer`].
#![expect(async_fn_in_trait, reason = "all runs on one executor, so no future has to be `Send`")]

use super::{Content, PushPoint, Request};
use crate::{Message, Server, tcp};
use ws_core::transport::{Outlet, SessionKey};

/// The application behind a [`Server`](super::Server).
pub trait Service {
    /// What the application calls its WebSockets: an enum, say.
    type Route;

    /// How to answer a request: by its path, its subprotocols, its fields. Whether the page that asks may open a WebSocket,
    /// and whether the host is known, is checked elsewhere.
    fn route(&self, request: &Request<'_>) -> Answer<'_, Self::Route>;

    /// Talks over a WebSocket until that is done. `buf` is the memory that kept the head of the request.
    ///
    /// Behind `Ok` the WebSocket is closed with 1000 if it is open still.
    ///
    /// # Errors
    ///
    /// Why it ended early; it is logged, no more.
    async fn serve(
        &self,
        route: Self::Route,
        ws: &mut tcp::WebSocket<'_, Server>,
        buf: &mut [u8],
    ) -> Result<(), tcp::Error>;

    /// Takes a message that came to a [`Push`](super::Push), over whichever technique, from a client that has a session or, over a
    /// WebSocket, may have none. Answer through `outlet`, not through the `Push`, which is lent meanwhile. It is called inside the network
    /// stack: do not use a socket or the stack in it. Without it, messages are passed over.
    fn receive(&self, outlet: &mut dyn Outlet, from: Option<SessionKey>, message: Message<'_>) {
        _ = (outlet, from, message);
    }
}

/// An answer to a request.
#[derive(Clone, Copy)]
pub enum Answer<'a, T> {
    /// A WebSocket, if the request is a handshake for one and its page is let in; else the status that says why not.
    WebSocket {
        /// What to call it, when it is served.
        route: T,
        /// The subprotocol to agree on, if the client offers it.
        subprotocol: Option<&'a str>,
    },
    /// 200, and a page. For GET and HEAD; other methods get 405.
    Page(Page<'a>),
    /// What lies ready and is asked for again and again: 200, or 304 to who has it.
    Content(&'a Content<'a>),
    /// Events, by whichever technique the request asks for: a [`Push`](super::Push).
    Push(&'a dyn PushPoint),
    /// Another status, 200 to 599, and a text that says why.
    Status(u16, &'a str),
    /// Another status with fields of its own: 302 with `Location`, 401 with `WWW-Authenticate`.
    Respond(u16, Page<'a>),
}

impl<T> Answer<'_, T> {
    /// 404.
    pub const NOT_FOUND: Self = Self::Status(404, "there is nothing here\n");
}

/// A page: bytes that lie ready, in flash for instance.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Page<'a> {
    /// Such as `Content-Type`, and `Content-Encoding: gzip` for a page that was compressed when the image was built.
    pub fields: &'a [(&'a str, &'a str)],
    /// The bytes.
    pub body: &'a [u8],
}
