//! The example against a TLS 1.3 and a WebSocket server that others wrote (rustls, ws-std), on loopback.
//!
//! | file | what |
//! | --- | --- |
//! | `server.rs` | the server, and certificates for it |
//! | `talking.rs` | what goes through, whole |
//! | `trust.rs` | who is believed, and who is not |
//! | `forged.rs` | handshakes that leave out what proves the server |
//! | `dropping.rs` | futures that are dropped in the middle of a record, and heartbeats |
//! | `sizes.rs` | what it costs |
//! | `program.rs` | the program itself |

mod dropping;
mod forged;
mod program;
mod server;
mod sizes;
mod talking;
mod trust;

use std::future::Future;

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime").block_on(future)
}
