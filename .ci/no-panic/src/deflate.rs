//! Messages deflated: [`ws_core::deflate::Deflater`] in memory of any sizes.

use ws_core::deflate::{Buffers, Deflater, Effort, Memory, Work};

use crate::{any, keep, maybe, read, say, write};

pub fn probe() {
    let (mut window, mut tokens, mut work) = ([0; 1024], [0; 1024], Work::new());
    let (mut heads, mut links) = ([0; 1024], [0; 1024]);
    let memory = Memory {
        window: read(&mut window),
        heads: heads.get_mut(..any()).unwrap_or_default(),
        links: links.get_mut(..any()).unwrap_or_default(),
        work: &mut work,
        tokens: read(&mut tokens),
    };
    match Deflater::new(memory, effort()) {
        Ok(mut deflater) => {
            deflater.restart(any() as u8);
            drive(&mut deflater);
        }
        Err(error) => say(error),
    }
    let mut buffers = Buffers::<512, 128, 512, 1024>::new();
    drive(&mut buffers.deflater(effort()));
    keep(buffers.memory().window.len());
}

fn effort() -> Effort {
    Effort { chain: any() as u16, lazy: any() as u16, nice: any() as u16 }
}

fn drive(deflater: &mut Deflater<'_>) {
    let (mut rx, mut tx) = ([0; 256], [0; 256]);
    while maybe() {
        let mut input: &[u8] = read(&mut rx);
        let progress = deflater.deflate(&mut input, read(&mut tx), maybe());
        keep(progress.done);
        write(tx.get(..progress.written).unwrap_or_default());
        if maybe() {
            deflater.reset();
        }
    }
}
