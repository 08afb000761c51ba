//! Compression of messages, permessage-deflate (RFC 7692): whether there is any, [`Codec`]. What is done is
//! [`ws_core::deflate`]'s; here it is tied to the handshake, and to the halves of a WebSocket.
//!
//! Without it nothing is linked and no memory is taken. A microcontroller has small windows, so a peer has to agree to one: those
//! built on Chromium do, as do Python's `websockets` and Node's `ws`; Firefox does not say that it can. Who does not is sent plain
//! messages, and [`WebSocket::is_compressed`](crate::WebSocket::is_compressed) tells.
//!
//! ```
//! use ws_embassy::compression::CompressionBuffers;
//! use ws_embassy::{Options, OriginPolicy, accept, io};
//! use ws_embassy::ws_core::deflate::Effort;
//! # use embedded_io_async::{ErrorKind, Read, Write};
//! # async fn run(rx: impl Read<Error = ErrorKind>, tx: impl Write<Error = ErrorKind>) -> Result<(), ws_embassy::Error<ErrorKind>> {
//! # let (mut head, mut read, mut write) = ([0; 1024], [0; 512], [0; 512]);
//! # let (reader, writer) = (io::Reader::new(rx, &mut read), io::Writer::new(tx, &mut write));
//! // 512 bytes of window each way.
//! let mut buffers = CompressionBuffers::<512, 512, 128, 512, 1024>::new();
//! let mut compression = buffers.compression(Effort::QUICK);
//! let (options, origin) = (Options::DEFAULT, OriginPolicy::SameOrigin);
//! let mut ws = accept(reader, writer, &options, origin, &mut head, &mut compression).await?;
//! # Ok(())
//! # }
//! ```
//!
//! On a [`Server`](crate::server::Server) the WebSockets share a few of them:
//! [`with_compression`](crate::server::Server::with_compression).

use crate::codec;
use ws_core::deflate::Layout;

pub use ws_core::connection::{Compression, CompressionBuffers};

/// How messages stand in frames: as they are ([`Plain`]), or compressed, if the peer agrees to it ([`Compression`], or one that is
/// borrowed). Cannot be implemented elsewhere.
pub trait Codec: codec::Codec {}

impl Codec for Plain {}
impl<L: Layout> Codec for Compression<'_, L> {}
impl<L: Layout> Codec for &mut Compression<'_, L> {}

/// One for a WebSocket that lives as long as `'c`: [`Plain`], or a borrowed [`Compression`]. Cannot be implemented elsewhere.
pub trait CodecFor<'c>: Codec + codec::CodecFor<'c> {}

impl CodecFor<'_> for Plain {}
impl<'c, L: Layout> CodecFor<'c> for &'c mut Compression<'_, L> {}

/// No compression: none is offered, and none agreed to.
///
/// # Memory
///
/// None.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Plain;
