//! The rows: each inflates messages one after the other, with the history of those before, and shows its output piece by
//! piece. The codecs among the others are given each message with its tail, as if that had come with it: nothing is cheaper
//! for them.

use flate2::{Decompress, FlushDecompress};
use miniz_oxide::inflate::stream::{InflateState, inflate};
use miniz_oxide::{DataFormat, MZFlush};
use sockudo_ws::DeflateWindowBits;
use sockudo_ws::deflate::DeflateDecoder;
use ws_core::deflate::{Fast, Inflater, Layout, Small, TAIL};

use super::READ;

pub trait Decoder {
    fn pass(&mut self, messages: &[Vec<u8>], sink: &mut dyn FnMut(&[u8]));
}

struct Ours<L> {
    window: Vec<u8>,
    tables: L,
}

/// With the least window that serves all distances.
pub fn fast() -> Box<dyn Decoder> {
    Box::new(Ours { window: vec![0; 32_768 + Fast::SLACK], tables: Fast::new() })
}

pub fn fast_wide() -> Box<dyn Decoder> {
    Box::new(Ours { window: vec![0; 65_536 + Fast::SLACK], tables: Fast::new() })
}

pub fn small() -> Box<dyn Decoder> {
    Box::new(Ours { window: vec![0; 32_768], tables: Small::new() })
}

impl<L: Layout> Decoder for Ours<L> {
    fn pass(&mut self, messages: &[Vec<u8>], sink: &mut dyn FnMut(&[u8])) {
        let mut inflater = Inflater::new(&mut self.window, &mut self.tables).expect("a window");
        for message in messages {
            for mut read in message[..message.len() - TAIL.len()].chunks(READ) {
                while !read.is_empty() {
                    sink(inflater.inflate(&mut read, usize::MAX).expect("it is right"));
                }
            }
            while let Some(bytes) = inflater.finish(usize::MAX).expect("it is right") {
                sink(bytes);
            }
        }
    }
}

/// For the others, which write into a buffer of the caller's.
fn buffer() -> Vec<u8> {
    vec![0; 65_536]
}

struct ZlibRs(Vec<u8>);

pub fn zlib_rs() -> Box<dyn Decoder> {
    Box::new(ZlibRs(buffer()))
}

impl Decoder for ZlibRs {
    fn pass(&mut self, messages: &[Vec<u8>], sink: &mut dyn FnMut(&[u8])) {
        let mut zlib = Decompress::new(false);
        for message in messages {
            for mut read in message.chunks(READ) {
                loop {
                    let (taken, written) = (zlib.total_in(), zlib.total_out());
                    zlib.decompress(read, &mut self.0, FlushDecompress::Sync).expect("it is right");
                    read = &read[(zlib.total_in() - taken) as usize..];
                    let written = (zlib.total_out() - written) as usize;
                    sink(&self.0[..written]);
                    if read.is_empty() && written < self.0.len() {
                        break;
                    }
                }
            }
        }
    }
}

struct MinizOxide(Vec<u8>);

pub fn miniz_oxide() -> Box<dyn Decoder> {
    Box::new(MinizOxide(buffer()))
}

impl Decoder for MinizOxide {
    fn pass(&mut self, messages: &[Vec<u8>], sink: &mut dyn FnMut(&[u8])) {
        let mut miniz = InflateState::new_boxed(DataFormat::Raw);
        for message in messages {
            for mut read in message.chunks(READ) {
                loop {
                    let result = inflate(&mut miniz, read, &mut self.0, MZFlush::None);
                    read = &read[result.bytes_consumed..];
                    sink(&self.0[..result.bytes_written]);
                    if read.is_empty() && result.bytes_written < self.0.len() {
                        break;
                    }
                }
            }
        }
    }
}

/// zlib-rs by its C interface, behind what sockudo-ws does for a message: it copies it, to append the tail, and gathers what
/// comes out in a new buffer. It takes whole messages only, so that a stream is one too.
struct SockudoWs;

pub fn sockudo_ws() -> Box<dyn Decoder> {
    Box::new(SockudoWs)
}

impl Decoder for SockudoWs {
    fn pass(&mut self, messages: &[Vec<u8>], sink: &mut dyn FnMut(&[u8])) {
        const MOST: usize = 4 << 20; // bytes of a message: more than any has
        let mut decoder = DeflateDecoder::new(DeflateWindowBits::Bits15, false);
        for message in messages {
            let message = &message[..message.len() - TAIL.len()];
            sink(&decoder.decompress(message, MOST).expect("it is right"));
        }
    }
}
