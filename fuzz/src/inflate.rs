//! Any bytes as the payload of compressed messages, as RFC 7692 7.2.2 reads them, through the inflater and through zlib: the same bytes and
//! the same verdict. What else holds, and what is different and meant to be, is in `common::inflating`.

use crate::common::inflating::compare;

/// The bytes are the payload of a message.
pub fn check(data: &[u8]) {
    compare(data);
}
