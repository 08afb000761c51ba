//! Any bytes that a client gets mean the same however they are cut: the same events, the same error at the same byte, the same
//! bytes owed, whatever is lent for them and whenever they are transmitted. `common::hostile` says the rest of what holds.

use ws_core::{Connection, Instant};

use crate::common::{Keys, hostile};

/// The bytes are what a server has sent, or has not.
pub fn check(data: &[u8]) {
    hostile::check(data, true, |config| Connection::client(config, Keys(0), Instant::from_millis(0)));
}
