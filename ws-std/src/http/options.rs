//! What a connection of HTTP is made with: [`HttpOptions`].

use crate::Options;
use ws_core::http::exchange::Settings;
use ws_core::http::{HeadLimits, Hosts};
use ws_core::transport::PolicyFile;

/// Limits, deadlines and names of one connection that speaks HTTP.
///
/// It takes the buffers of [`socket`](Self::socket), the one for heads among them, for as long as it lives.
#[derive(Clone, Debug)]
pub struct HttpOptions<'a> {
    /// Under which names this server is known. Requests for others are answered with 421, before anything else is looked at: see
    /// [`Hosts`].
    pub hosts: Hosts<'a>,
    /// Limits and deadlines of requests.
    pub requests: Settings,
    /// Names, in lower case, of fields that the application wants to read besides those of the handshake and of
    /// [`Exchange`](ws_core::http::Exchange).
    pub further: &'a [&'a str],
    /// Memory, and how long a client may take nothing of an answer: `send_timeout`. On the whole it has to take a byte a
    /// millisecond besides while there is something to write; while there is not, it can make up for as much time. The rest is
    /// for the WebSocket that a request may ask for; `handshake_timeout` counts from the answer.
    pub socket: Options,
    /// What a Flash Player is told that asks on this port. `None`: nothing, as to any stranger.
    pub policy: Option<PolicyFile<'a>>,
}

impl<'a> HttpOptions<'a> {
    /// For a server with these names: requests as [`Settings::DEFAULT`], with heads of browsers, which bring cookies; sockets as
    /// [`Options::DEFAULT`].
    pub const fn new(hosts: Hosts<'a>) -> Self {
        let socket = Options::DEFAULT;
        let requests = Settings { head: HeadLimits::DEFAULT, ..Settings::DEFAULT };
        Self { hosts, requests, further: &[], socket, policy: None }
    }
}
