//! What two ends agree on about compression: the four parameters of permessage-deflate (RFC 7692 7.1), for both sides. How the
//! parameters are written in a field is the handshake's.

/// The name under which the extension is offered and agreed on.
pub const NAME: &str = "permessage-deflate";

/// The least and the greatest base-2 logarithm of a window's size (RFC 7692 7.1.2).
pub const WINDOW_BITS: core::ops::RangeInclusive<u8> = 8..=15;

/// One direction, as its compressor works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Direction {
    /// Base-2 logarithm of the window: 8 (256 bytes) to 15 (32 KiB). No distance is greater than the window.
    pub window_bits: u8,
    /// A message may refer to bytes of those before it. It compresses better, and needs the window kept between messages.
    pub takeover: bool,
}

/// What one end can do, and wants: from it a client makes its offer, and a server its answer.
///
/// The peer's compressor can be told to use a window as small as the one that is there to inflate in. Whoever cannot be told, as
/// its offer does not say so, is declined, and nothing is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Terms {
    /// What the peer sends. `window_bits`: how much of it the lent window holds; `takeover`: the window is kept between messages.
    pub inflate: Direction,
    /// What is sent.
    pub deflate: Direction,
}

impl Terms {
    /// Windows of `inflate` and `deflate` bits, 8 to 15 each; others are moved to the nearest that there is. The peer may take
    /// its context over, as the memory is there anyway. What is sent does not: where a page shows a secret beside text of a
    /// stranger, the length of what is compressed together tells of it (RFC 7692 8, and the attacks CRIME and BREACH).
    pub const fn new(inflate: u8, deflate: u8) -> Self {
        Self {
            inflate: Direction { window_bits: clamped(inflate), takeover: true },
            deflate: Direction { window_bits: clamped(deflate), takeover: false },
        }
    }

    /// The same, and messages sent may refer to those before them: it compresses feeds of short, similar messages several times
    /// better. Only for what holds no secrets.
    #[must_use]
    pub const fn with_takeover(mut self) -> Self {
        self.deflate.takeover = true;
        self
    }

    /// A server's answer to one offer with these parameters: each a name, and its value, if it has one; that is `None` where it
    /// is no number.
    ///
    /// # Errors
    ///
    /// Why this offer is declined; there may be another.
    pub fn accept<'p>(&self, params: impl Iterator<Item = (&'p str, Value)>) -> Result<Parameters, Declined> {
        let offer = Read::from(params)?;
        let own = self.deflate.window_bits;
        // Without the parameter, the client may use any window and need not obey a limit (RFC 7692 7.1.2.2).
        let peer = match offer.client_max_window_bits {
            Bits::Absent if self.inflate.window_bits < *WINDOW_BITS.end() => return Err(Declined::Window),
            Bits::Absent => None,
            Bits::Unlimited => Some(self.inflate.window_bits),
            Bits::Limit(bits) => Some(self.inflate.window_bits.min(bits)),
        };
        let limit = match offer.server_max_window_bits {
            Bits::Absent => *WINDOW_BITS.end(),
            Bits::Limit(bits) => bits,
            Bits::Unlimited => return Err(Declined::Value),
        };
        Ok(Parameters {
            server_no_context_takeover: offer.server_no_context_takeover || !self.deflate.takeover,
            client_no_context_takeover: offer.client_no_context_takeover || !self.inflate.takeover,
            // Said where it was asked for; else it is nobody's business.
            server_max_window_bits: (limit < *WINDOW_BITS.end() || own < *WINDOW_BITS.end())
                .then(|| own.min(limit))
                .filter(|_| offer.server_max_window_bits != Bits::Absent),
            client_max_window_bits: peer.filter(|bits| *bits < *WINDOW_BITS.end()),
        })
    }
}
