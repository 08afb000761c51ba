//! [`first_beyond`]: how far back a stream of DEFLATE blocks refers, read bit by bit, as RFC 1951 3.2 has it. zlib's port does not know
//! of windows smaller than the largest: it is asked for all else, and this for nothing else.

/// RFC 1951 3.2.5: extra bits of lengths and distances, and the first length of each symbol.
const LENGTHS: [(usize, u32); 29] = {
    let (mut all, mut symbol, mut length) = ([(258, 0); 29], 0, 3);
    while symbol < 28 {
        let extra = if symbol < 8 { 0 } else { symbol as u32 / 4 - 1 };
        all[symbol] = (length, extra);
        (symbol, length) = (symbol + 1, length + (1 << extra));
    }
    all
};
/// RFC 1951 3.2.7.
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// How much a stream has come to where it first refers to more than `window` bytes back; `None` if it does not before it has come to
/// `most` bytes, or ends, or breaks a rule.
pub(crate) fn first_beyond(stream: &[u8], window: usize, most: usize) -> Option<usize> {
    let mut walk = Walk { stream, bit: 0, written: 0, window };
    while walk.written < most {
        if walk.block(most)? {
            return Some(walk.written).filter(|at| *at < most);
        }
    }
    None
}

struct Walk<'s> {
    stream: &'s [u8],
    /// The next one.
    bit: usize,
    written: usize,
    window: usize,
}

impl Walk<'_> {
    /// `true`: it refers too far back.
    fn block(&mut self, most: usize) -> Option<bool> {
        let last = self.bits(1)? == 1;
        let is_beyond = match self.bits(2)? {
            0 => {
                self.align();
                let len = self.bits(16)?;
                self.bits(16)?;
                self.bit += len * 8;
                self.written += len;
                false
            }
            1 => {
                let lengths: Vec<_> = [(8, 144), (9, 112), (7, 24), (8, 8)]
                    .into_iter()
                    .flat_map(|(length, n)| std::iter::repeat_n(length, n))
                    .collect();
                self.symbols(&Code::new(&lengths), &Code::new(&[5; 30]), most)?
            }
            2 => {
                let (literals, distances) = self.codes()?;
                self.symbols(&literals, &distances, most)?
            }
            _ => return None,
        };
        if last {
            self.align();
        }
        Some(is_beyond)
    }

    fn codes(&mut self) -> Option<(Code, Code)> {
        let (literals, distances, n) = (self.bits(5)? + 257, self.bits(5)? + 1, self.bits(4)? + 4);
        let mut lengths = [0; 19];
        for symbol in &ORDER[..n] {
            lengths[*symbol] = self.bits(3)?;
        }
        let code = Code::new(&lengths);
        let mut lengths: Vec<usize> = Vec::with_capacity(320);
        while lengths.len() < literals + distances {
            let (length, n) = match self.symbol(&code)? {
                16 => (*lengths.last()?, 3 + self.bits(2)?),
                17 => (0, 3 + self.bits(3)?),
                18 => (0, 11 + self.bits(7)?),
                length => (length, 1),
            };
            lengths.extend(std::iter::repeat_n(length, n));
        }
        let (literals, distances) = lengths.split_at(literals);
        Some((Code::new(literals), Code::new(distances)))
    }

    fn symbols(&mut self, literals: &Code, distances: &Code, most: usize) -> Option<bool> {
        while self.written < most {
            self.written += match self.symbol(literals)? {
                0..256 => 1,
                256 => return Some(false),
                symbol => {
                    let (length, extra) = *LENGTHS.get(symbol - 257)?;
                    let length = length + self.bits(extra)?;
                    let distance = match self.symbol(distances)? {
                        symbol @ 0..4 => symbol + 1,
                        symbol @ 4..30 => {
                            let extra = symbol as u32 / 2 - 1;
                            ((2 + symbol % 2) << extra) + 1 + self.bits(extra)?
                        }
                        _ => return None,
                    };
                    if distance > self.written {
                        return None;
                    }
                    if distance > self.window {
                        return Some(true);
                    }
                    length
                }
            };
        }
        None
    }

    fn symbol(&mut self, code: &Code) -> Option<usize> {
        let (mut value, mut first, mut at) = (0, 0, 0);
        for count in code.counts {
            value = value << 1 | self.bits(1)?;
            if value < first + count {
                return code.symbols.get(at + value - first).copied();
            }
            (first, at) = ((first + count) << 1, at + count);
        }
        None
    }

    fn bits(&mut self, n: u32) -> Option<usize> {
        (0..n).try_fold(0, |value, i| {
            let byte = self.stream.get(self.bit / 8)?;
            let bit = usize::from(byte >> (self.bit % 8) & 1);
            self.bit += 1;
            Some(value | bit << i)
        })
    }

    fn align(&mut self) {
        self.bit = self.bit.next_multiple_of(8);
    }
}

/// RFC 1951 3.2.2: how many codes there are of 1 to 15 bits, and their symbols in order.
struct Code {
    counts: [usize; 15],
    symbols: Vec<usize>,
}

impl Code {
    fn new(lengths: &[usize]) -> Self {
        let mut counts = [0; 15];
        lengths.iter().filter(|length| **length != 0).for_each(|length| counts[length - 1] += 1);
        let mut symbols: Vec<_> = (0..lengths.len()).filter(|symbol| lengths[*symbol] != 0).collect();
        symbols.sort_by_key(|symbol| lengths[*symbol]);
        Self { counts, symbols }
    }
}
