//! Messages inflated with a window of 512 bytes, as the build script compressed them: JSON of 200 to 2,000 bytes each.

use core::hint::black_box;

use ws_core::deflate::{InflateError, Inflater, Small};

use crate::host::{fail, label, measured};

static MESSAGES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/messages"));

pub fn run() {
    let (mut window, mut tables) = ([0; 512], Small::new());
    let Some(mut inflater) = Inflater::new(&mut window, &mut tables) else { fail() };
    let (mut rest, mut nth) = (MESSAGES, 0);
    while let [a, b, c, d, behind @ ..] = rest {
        let (len, expected) = (u16::from_le_bytes([*a, *b]), u16::from_le_bytes([*c, *d]));
        let (message, behind) = behind.split_at(len.into());
        label(format_args!("inflate|JSON, window of 512 bytes|{nth}|{expected}"));
        if measured(|| inflate(&mut inflater, message)) != Ok(expected.into()) {
            label(format_args!("a message is not inflated"));
            fail();
        }
        (rest, nth) = (behind, nth + 1);
    }
}

/// Tells how many bytes came out; they are there to be used, and nobody does.
#[inline(never)]
fn inflate(inflater: &mut Inflater<'_, Small>, mut message: &[u8]) -> Result<usize, InflateError> {
    let mut len = 0;
    while !message.is_empty() {
        len += black_box(inflater.inflate(&mut message, 512)?).len();
    }
    while let Some(bytes) = inflater.finish(512)? {
        len += black_box(bytes).len();
    }
    Ok(len)
}
