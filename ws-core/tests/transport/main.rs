//! The push transports: what they write at every size of output, what they read at every split of input, and random
//! sessions beside a plain model of the same.

mod codings;
