//! What the checks share. Of input: [`Rng`], and [`Cuts`], which says how it comes in pieces; [`Guarded`] memory, beside which
//! nothing is to be written. Of a connection: ends that read any bytes ([`Reading`]), what they are made with, and what came of
//! it ([`Log`]); a decoder of what was sent ([`Frames`]). Of compression: [`Part`]s of messages, the opinion of [`zlib`], and ours
//! beside it ([`inflating`]). Of HTTP and the opening handshake: what heads, hosts, extensions and accept values are, said straight,
//! and how heads are read and answers written. Of pushing: what a browser makes of an event stream.

pub(crate) mod accept;
mod cuts;
mod distances;
mod ends;
pub(crate) mod event_source;
pub(crate) mod extensions;
pub(crate) mod fields;
mod guarded;
pub(crate) mod head;
pub(crate) mod host;
pub(crate) mod hostile;
pub(crate) mod inflating;
pub(crate) mod io;
mod log;
mod plain;
mod reading;
mod rng;
mod wire;
pub(crate) mod zlib;

pub(crate) use cuts::Cuts;
pub(crate) use ends::{FREE, Keys};
pub(crate) use guarded::Guarded;
pub(crate) use log::{Log, What};
pub(crate) use plain::Part;
pub(crate) use reading::{Act, How, Reading};
pub(crate) use rng::Rng;
pub(crate) use wire::{Frame, Frames};
