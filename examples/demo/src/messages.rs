//! What page and server say to each other. Text messages are JSON with a `type`: [`Command`] to the server, [`Reply`]
//! to the page. Binary messages begin with a byte that says what they are: [`ECHO`] or [`FRAME`]. The feed is a WebSocket of its
//! own: [`FeedMessage`].

use crate::telemetry::Reading;
use serde::{Deserialize, Serialize};

/// Comes back as it came.
pub(crate) const ECHO: u8 = b'E';

/// A picture of a tab's canvas. The page sends this byte and a PNG; the other tabs get this byte, the number of the tab
/// as 4 bytes in network order, and the PNG.
pub(crate) const FRAME: u8 = b'F';

/// `{"type":"echo","text":"hello"}` and the like.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum Command {
    /// Say this back.
    Echo { text: String },
    /// Send one message in so many fragments.
    Story { fragments: usize },
    /// Say when this was asked, in the page's own time, and how the heartbeat is.
    Ping { at: f64 },
    /// Tell all tabs.
    Chat { text: String },
    /// Begin the closing handshake.
    Close { code: u16, reason: String },
}

/// `{"type":"pong","at":17.5,"heartbeat":0}` and the like.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum Reply<'a> {
    /// The first message: which tab this is, and how others have left.
    Welcome {
        tab: u32,
        closings: &'a [Closing],
    },
    /// Who is here: whenever that changes.
    Tabs {
        tabs: &'a [u32],
    },
    Echo {
        text: &'a str,
    },
    Story {
        fragments: usize,
        text: &'a str,
    },
    /// `heartbeat`: milliseconds from the server's latest Ping to its Pong, once there is one.
    Pong {
        at: f64,
        heartbeat: Option<u64>,
    },
    Chat {
        tab: u32,
        text: &'a str,
    },
    /// A picture was taken, and passed on: the page may send another.
    Taken,
    /// A tab's connection has ended.
    Closed(&'a Closing),
    /// A command was not obeyed.
    Error {
        text: &'a str,
    },
}

impl Reply<'_> {
    pub(crate) fn to_json(&self) -> String {
        to_json(self)
    }
}

/// How a connection ended, as the server saw it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Closing {
    pub(crate) tab: u32,
    /// The server sent its Close first.
    pub(crate) by_server: bool,
    /// The code in the page's Close, or the one the server gave for an error; else there was none.
    pub(crate) code: Option<u16>,
    pub(crate) reason: String,
    /// Both Close frames have gone over.
    pub(crate) clean: bool,
}

/// What the feed says: `{"type":"sample","before":{"messages":1,"payload":93,"wire":97},"time":0.2,"sensors":[...]}` and the
/// like.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum FeedMessage<'a> {
    /// The first message: `Sec-WebSocket-Extensions` as the server has got and answered it; empty where there was none.
    Opened { offered: &'a str, agreed: &'a str },
    /// `time`: seconds since the feed began.
    Sample { before: Sent, time: f64, sensors: &'a [Reading] },
}

/// What the messages before this one took: bytes of their payload, and bytes written to the socket since the handshake.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Sent {
    pub(crate) messages: u64,
    pub(crate) payload: u64,
    pub(crate) wire: u64,
}

impl FeedMessage<'_> {
    pub(crate) fn to_json(&self) -> String {
        to_json(self)
    }
}

fn to_json(message: &impl Serialize) -> String {
    // Strings and numbers: there is nothing in a message that JSON cannot say.
    serde_json::to_string(message).unwrap_or_default()
}
