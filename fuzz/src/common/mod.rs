//! What the checks share: [`Rng`], and [`Cuts`], which says how input comes in pieces; ends of a connection that read any bytes
//! ([`Reading`]), what they are made with, and what came of it ([`Log`]); a decoder of what was sent ([`Frames`]).

mod cuts;
mod ends;
pub(crate) mod hostile;
mod log;
mod reading;
mod rng;
mod wire;

pub(crate) use cuts::Cuts;
pub(crate) use ends::{FREE, Keys};
pub(crate) use log::{Log, What};
pub(crate) use reading::{Act, How, Reading};
pub(crate) use rng::Rng;
pub(crate) use wire::{Frame, Frames};
