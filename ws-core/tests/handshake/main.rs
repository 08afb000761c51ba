//! The opening handshake (RFC 6455 4): requests and responses kept as files, cut in every way; limits; compression; what a caller may
//! put on the wire. Deadlines are in `../deadlines.rs`. What clients and servers really send, and what hostile ones could, lies in `../corpus`,
//! and beside the files an index that says what each must give.

#[path = "../common/cases.rs"]
mod cases;
mod compression;
mod corpus;
mod limits;
mod requests;
mod responses;
mod wire;

use ws_core::Entropy;
use ws_core::Instant;

/// The start of each test's clock.
const START: Instant = Instant::from_millis(0);

/// Gives the nonce of the sample in RFC 6455 1.3, the key of which all responses of the corpus answer.
struct SampleNonce;

impl Entropy for SampleNonce {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.copy_from_slice(&b"the sample nonce"[..bytes.len()]);
    }
}

/// The key that [`SampleNonce`] gives, and its accept value, as RFC 6455 1.3 has them.
const SAMPLE_KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const SAMPLE_ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Collects what `transmit` writes into outputs of `size` bytes. Each call but the last must fill the output.
fn written(size: usize, mut transmit: impl FnMut(&mut ws_core::Output<'_>) -> bool) -> Vec<u8> {
    let mut buf = vec![0; size];
    let mut out = ws_core::Output::new(&mut buf);
    let mut all = Vec::new();
    loop {
        let done = transmit(&mut out);
        all.extend_from_slice(out.filled());
        if done {
            return all;
        }
        assert_eq!(out.space(), 0, "an output is not full, and yet not everything is out");
        out.clear();
        assert!(all.len() < 1 << 20, "writes for ever");
    }
}
