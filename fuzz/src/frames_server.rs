//! Any bytes that a server gets mean the same however they are cut: the same events, the same error at the same byte, the same
//! bytes owed, whatever is lent for them and whenever they are transmitted. `common::hostile` says the rest of what holds.

use ws_core::{Connection, Instant};

use crate::common::hostile;

/// The bytes are what a client has sent, or has not.
pub fn check(data: &[u8]) {
    hostile::check(data, false, |config| Connection::server(config, Instant::from_millis(0)));
}
