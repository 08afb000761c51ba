//! What the checks share: [`Rng`], and [`Cuts`], which says how input comes in pieces; of HTTP and the opening handshake, what
//! heads, hosts, extensions and accept values are, said straight, and how heads are read and answers written.

pub(crate) mod accept;
mod cuts;
pub(crate) mod extensions;
pub(crate) mod fields;
pub(crate) mod head;
pub(crate) mod host;
pub(crate) mod io;
mod rng;

pub(crate) use cuts::Cuts;
pub(crate) use rng::Rng;
