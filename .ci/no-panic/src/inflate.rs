//! Messages inflated: [`ws_core::deflate::Inflater`] in both layouts.

use ws_core::deflate::{Fast, InflateError, Inflater, Layout, Small};

use crate::{any, maybe, read, say, write};

pub fn probe() {
    let mut window = [0; 1024];
    drive(read(&mut window), &mut Small::new());
    drive(read(&mut window), &mut Fast::new());
}

fn drive<L: Layout>(window: &mut [u8], tables: &mut L) {
    let mut rx = [0; 256];
    let Some(mut inflater) = Inflater::new(window, tables) else { return };
    while maybe() {
        if let Err(error) = message(&mut inflater, read(&mut rx)) {
            say(error);
        }
        inflater.reset();
    }
}

fn message<L: Layout>(inflater: &mut Inflater<'_, L>, mut input: &[u8]) -> Result<(), InflateError> {
    while !input.is_empty() {
        write(inflater.inflate(&mut input, any())?);
    }
    while let Some(bytes) = inflater.finish(any())? {
        write(bytes);
    }
    Ok(())
}
