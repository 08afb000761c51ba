//! [`Frames`]: what an end has sent, decoded without the library (RFC 6455 5.2).

/// The frames of one end, one behind the other; each is checked to be whole, to have its length in the shortest form, and to be
/// masked if a client sent it and only then.
pub(crate) struct Frames<'w> {
    rest: &'w [u8],
    is_client: bool,
}

/// A frame.
#[derive(Debug)]
pub(crate) struct Frame<'w> {
    /// FIN, the reserved bits and the opcode.
    pub(crate) b0: u8,
    /// The masking key; zero if there is none.
    pub(crate) key: [u8; 4],
    masked: &'w [u8],
}

impl<'w> Frames<'w> {
    /// What a client has sent, or a server.
    pub(crate) fn new(is_client: bool, bytes: &'w [u8]) -> Self {
        Self { rest: bytes, is_client }
    }

    /// How many bytes are left.
    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }

    fn take(&mut self, n: usize) -> &'w [u8] {
        let (taken, rest) = self.rest.split_at_checked(n).expect("a frame is cut short");
        self.rest = rest;
        taken
    }
}

impl<'w> Iterator for Frames<'w> {
    type Item = Frame<'w>;

    fn next(&mut self) -> Option<Frame<'w>> {
        if self.rest.is_empty() {
            return None;
        }
        let head = self.take(2);
        let (b0, b1) = (head[0], head[1]);
        assert_eq!(b1 >= 0x80, self.is_client, "a client masks, a server does not");
        let len = match b1 & 0x7f {
            126 => {
                let len = u64::from(u16::from_be_bytes(self.take(2).try_into().unwrap()));
                assert!(len > 125, "{len} is not in its shortest form");
                len
            }
            127 => {
                let len = u64::from_be_bytes(self.take(8).try_into().unwrap());
                assert!(len > 0xffff && len >> 63 == 0, "{len} is not in its shortest form");
                len
            }
            len => u64::from(len),
        };
        let key = if self.is_client { self.take(4).try_into().unwrap() } else { [0; 4] };
        Some(Frame { b0, key, masked: self.take(usize::try_from(len).unwrap()) })
    }
}

impl Frame<'_> {
    /// The payload, unmasked (RFC 6455 5.3).
    pub(crate) fn payload(&self) -> Vec<u8> {
        let mut payload = self.masked.to_vec();
        if self.key != [0; 4] {
            let keys = self.key.repeat(payload.len() / 4 + 1);
            payload.iter_mut().zip(keys).for_each(|(byte, key)| *byte ^= key);
        }
        payload
    }
}
