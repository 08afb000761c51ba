//! What the checks share: [`Rng`], and [`Cuts`], which says how input comes in pieces.

mod cuts;
mod rng;

pub(crate) use cuts::Cuts;
pub(crate) use rng::Rng;
