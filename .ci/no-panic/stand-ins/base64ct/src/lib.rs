//! What `ws-core` calls of `base64ct`, without the alphabet. Encodes nothing.

#![no_std]

pub struct Base64;

pub trait Encoding {
    fn encode(src: &[u8], dst: &mut [u8]) -> Result<(), ()> {
        for (to, from) in dst.iter_mut().zip(src) {
            *to = core::hint::black_box(*from);
        }
        Ok(())
    }
}

impl Encoding for Base64 {}
