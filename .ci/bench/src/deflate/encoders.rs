//! The rows: each deflates messages one after the other, with the history of those before, and shows what it writes piece
//! by piece, the tails with it: ours, which writes none, shows it all the same.

use flate2::{Compress, Compression, FlushCompress};
use miniz_oxide::MZFlush;
use miniz_oxide::deflate::core::{CompressorOxide, create_comp_flags_from_zip_params};
use miniz_oxide::deflate::stream::deflate;
use ws_core::deflate::{Deflater, Effort, Memory, TAIL, Work};

/// zlib's level.
const LEVEL: u8 = 6;

pub trait Encoder {
    fn pass(&mut self, messages: &[Vec<u8>], sink: &mut dyn FnMut(&[u8]));
}

/// The sizes of what is lent.
pub struct Ours {
    window: Vec<u8>,
    heads: Vec<u16>,
    links: Vec<u16>,
    work: Work,
    tokens: Vec<u8>,
    effort: Effort,
    out: Vec<u8>,
}

impl Ours {
    pub fn boxed(window: usize, heads: usize, tokens: usize, effort: Effort) -> Box<dyn Encoder> {
        Box::new(Self {
            window: vec![0; window],
            heads: vec![0; heads],
            links: vec![0; if heads == 0 { 0 } else { window }],
            work: Work::new(),
            tokens: vec![0; tokens],
            effort,
            out: buffer(),
        })
    }
}

impl Encoder for Ours {
    fn pass(&mut self, messages: &[Vec<u8>], sink: &mut dyn FnMut(&[u8])) {
        let Self { window, heads, links, work, tokens, effort, out } = self;
        let memory = Memory { window, heads, links, work, tokens };
        let mut deflater = Deflater::new(memory, *effort).expect("sizes that fit");
        for message in messages {
            let mut rest: &[u8] = message;
            loop {
                let progress = deflater.deflate(&mut rest, out, true);
                sink(&out[..progress.written]);
                if progress.done {
                    break;
                }
            }
            sink(&TAIL);
        }
    }
}

fn buffer() -> Vec<u8> {
    vec![0; 65_536]
}

struct ZlibRs(Vec<u8>);

pub fn zlib_rs() -> Box<dyn Encoder> {
    Box::new(ZlibRs(buffer()))
}

impl Encoder for ZlibRs {
    fn pass(&mut self, messages: &[Vec<u8>], sink: &mut dyn FnMut(&[u8])) {
        let mut zlib = Compress::new(Compression::new(LEVEL.into()), false);
        for message in messages {
            let mut rest: &[u8] = message;
            loop {
                let (taken, written) = (zlib.total_in(), zlib.total_out());
                zlib.compress(rest, &mut self.0, FlushCompress::Sync).expect("it compresses anything");
                rest = &rest[(zlib.total_in() - taken) as usize..];
                let written = (zlib.total_out() - written) as usize;
                sink(&self.0[..written]);
                if rest.is_empty() && written < self.0.len() {
                    break;
                }
            }
        }
    }
}

struct MinizOxide(Vec<u8>);

pub fn miniz_oxide() -> Box<dyn Encoder> {
    Box::new(MinizOxide(buffer()))
}

impl Encoder for MinizOxide {
    fn pass(&mut self, messages: &[Vec<u8>], sink: &mut dyn FnMut(&[u8])) {
        let flags = create_comp_flags_from_zip_params(LEVEL.into(), -15, 0);
        let mut miniz = CompressorOxide::new(flags);
        for message in messages {
            let mut rest: &[u8] = message;
            loop {
                let result = deflate(&mut miniz, rest, &mut self.0, MZFlush::Sync);
                rest = &rest[result.bytes_consumed..];
                sink(&self.0[..result.bytes_written]);
                if rest.is_empty() && result.bytes_written < self.0.len() {
                    break;
                }
            }
        }
    }
}
