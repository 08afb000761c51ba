//! A connection that speaks HTTP/1, request by request: [`Requests`]. Each is answered with a response, with content that lies
//! ready, with a stream, with [events](crate::Push) or with a WebSocket. What HTTP asks for is done by
//! [`ws_core::http`]; here it is read, written and waited for.
//!
//! ```no_run
//! # fn main() -> std::io::Result<()> {
//! use std::{net::TcpListener, thread, time::Duration};
//! use ws_std::http::{Content, Hosts, HttpOptions, Requests};
//! use ws_std::{Answer, Error, OriginPolicy};
//!
//! static PAGE: Content<'static> = Content::plain("text/html", "\"1\"", b"<h1>hello</h1>");
//! // Names under which this server is known; a page that comes by another is a stranger's.
//! let options = HttpOptions::new(Hosts::Addresses(&["localhost"]));
//! let listener = TcpListener::bind("127.0.0.1:9001")?;
//! for stream in listener.incoming() {
//!     let Ok(stream) = stream else {
//!         thread::sleep(Duration::from_millis(100)); // out of descriptors, most likely: they come back
//!         continue;
//!     };
//!     let options = options.clone();
//!     thread::spawn(move || -> Result<(), Error> {
//!         let mut client = Requests::new(stream, options)?;
//!         while let Some(request) = client.read()? {
//!             match (request.method(), request.target().path) {
//!                 (_, "/") => client.content(&PAGE)?,
//!                 ("POST", "/notes") => {
//!                     let note = client.body(1000)?;
//!                     println!("{} bytes", note.len());
//!                     client.respond(204, &[], b"")?;
//!                 }
//!                 ("GET", "/chat") => {
//!                     let Some(mut ws) = client.accept(Answer::accept(OriginPolicy::SameOrigin))? else { break };
//!                     return ws.send_text("welcome");
//!                 }
//!                 _ => client.respond(404, &[("Content-Type", "text/plain")], b"nothing here\n")?,
//!             }
//!         }
//!         Ok(())
//!     });
//! }
//! # Ok(())
//! # }
//! ```
//!
//! | file | what |
//! | --- | --- |
//! | `requests.rs` | the requests of a connection, and their answers |
//! | `stream.rs` | an answer that is written bit by bit |
//! | `wire.rs` | the stream below: reading, writing, waiting, leaving |
//! | `options.rs` | limits, deadlines, names |

mod options;
mod requests;
mod stream;
pub(crate) mod wire;

pub use options::HttpOptions;
pub use requests::Requests;
pub use stream::BodyWriter;
pub use ws_core::http::exchange::{Refusal, Settings};
pub use ws_core::http::{Content, Cors, Hosts, Request};
pub use ws_core::transport::PolicyFile;

pub(crate) use requests::{Answered, not_asked};
