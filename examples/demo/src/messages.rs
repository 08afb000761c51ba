//! What page and server say to each other. Text messages are JSON with a `type`: [`Command`] to the server, [`Reply`]
//! to the page. Binary messages begin with a byte that says what they are: [`ECHO`] or [`FRAME`].

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
        // Strings and numbers: there is nothing in a reply that JSON cannot say.
        serde_json::to_string(self).unwrap_or_default()
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
