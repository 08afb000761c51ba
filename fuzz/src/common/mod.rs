//! What the checks share: [`Rng`], [`Cuts`], which says how input comes in pieces, and [`Guarded`] memory, beside which nothing is
//! to be written, [`Part`]s of messages, and the opinion of [`zlib`].

mod cuts;
mod distances;
mod guarded;
mod plain;
mod rng;
pub(crate) mod zlib;

pub(crate) use cuts::Cuts;
pub(crate) use guarded::Guarded;
pub(crate) use plain::Part;
pub(crate) use rng::Rng;
