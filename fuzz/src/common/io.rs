//! Reading a head in pieces, and writing an answer into outputs of any size: what everything that reads and writes has to keep.

use std::fmt::Debug;

use ws_core::{Input, Output};

use super::Cuts;

/// Gives `data` in pieces to what reads a head, and says what came of it and how many bytes were taken. Checks that a call takes
/// all it is given or comes to an end, and that the end stands: so the calls are as many as the pieces.
pub(crate) fn read<E: Copy + PartialEq + Debug>(
    data: &[u8],
    mut cuts: Cuts,
    mut receive: impl FnMut(&mut Input<'_>) -> Result<bool, E>,
) -> (Result<bool, E>, usize) {
    let mut copy = data.to_vec();
    let (mut rest, mut taken, mut end) = (data, 0, Ok(false));
    assert_eq!(receive(&mut Input::new(&mut [])), Ok(false), "nothing is no head");
    while !rest.is_empty() && end == Ok(false) {
        let len = cuts.next(&mut rest).len();
        let mut input = Input::new(&mut copy[taken..taken + len]);
        end = receive(&mut input);
        let used = input.consumed();
        if end == Ok(false) {
            assert!(input.is_empty(), "asks for more while there is some");
        } else {
            assert!(used > 0, "ends without a byte");
            assert_eq!(receive(&mut input), end, "what was said stands");
            assert_eq!(input.consumed(), used, "takes what is behind the head");
        }
        taken += used;
    }
    assert!(copy == data, "the bytes lent were changed");
    (end, taken)
}

/// What `transmit` writes into outputs of `size` bytes. Each call but the last fills its output.
pub(crate) fn written(size: usize, mut transmit: impl FnMut(&mut Output<'_>) -> bool) -> Vec<u8> {
    let mut buf = vec![0xee; size];
    let mut out = Output::new(&mut buf);
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
