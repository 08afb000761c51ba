//! What `ws-core` calls of `sha1_smol`, without the hash. Computes nothing.

#![no_std]

pub struct Sha1([u8; 20]);

pub struct Digest([u8; 20]);

impl Sha1 {
    pub fn new() -> Self {
        Self([0; 20])
    }

    pub fn update(&mut self, data: &[u8]) {
        for (sum, byte) in self.0.iter_mut().zip(data) {
            *sum ^= core::hint::black_box(*byte);
        }
    }

    pub fn digest(&self) -> Digest {
        Digest(self.0)
    }
}

impl Digest {
    pub fn bytes(&self) -> [u8; 20] {
        self.0
    }
}
