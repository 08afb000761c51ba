//! HTTP and events over real sockets on the loopback, on ports that the system picks; the other end is bytes by hand. Nothing here
//! waits for a time to pass and hopes; where a deadline is the subject, it is short, and only the latest moment is asserted.

#[path = "../common/mod.rs"]
mod common;

mod ending;
mod flash;
mod host;
mod listener;
mod raw;
mod requests;
mod resume;
mod slow;
mod techniques;
