//! What two ends agree on about compression: the four parameters of permessage-deflate (RFC 7692 7.1), judged for both sides.
//! How offers are written into a field and read out of it is the handshake's.

/// The name under which the extension is offered and agreed on (RFC 7692 7).
pub const NAME: &str = "permessage-deflate";

const BITS_MIN: u8 = 8;
const BITS_MAX: u8 = 15;

/// How messages of one direction are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Direction {
    /// Base-2 logarithm of the window, 8 (256 bytes) to 15 (32 KiB): nothing refers to what is farther back.
    pub window_bits: u8,
    /// A message may refer to those before it. It compresses better, and the window has to be kept between messages.
    pub takeover: bool,
}

impl Direction {
    /// Bytes of the window.
    pub const fn window(self) -> usize {
        1 << clamped(self.window_bits)
    }
}

/// What one end can do, and wants: the client's offer, or what a server answers from.
///
/// A peer that cannot be held to the window that is there to inflate in is declined, and nothing is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Terms {
    inflate: Direction,
    deflate: Direction,
}

impl Terms {
    /// For an inflater and a deflater with windows of that many bits, 8 to 15 each; others become the nearest of these.
    ///
    /// To inflate in 8 bits, 256 bytes, hardly any peer compresses: zlib, on which most are built, deflates with 9 at least. A
    /// server with 8 declines whoever has not offered `client_max_window_bits=8` of its own accord, a client that asks for 8 is
    /// declined by such servers, and nothing is compressed. Have 9.
    ///
    /// Either side's messages each stand alone, unless told otherwise below. For what is sent there is a reason beside memory:
    /// where a secret and a stranger's text are compressed in one window, the length of the outcome tells whether they are alike
    /// (as the attacks CRIME and BREACH did; RFC 7692 8).
    pub const fn new(inflate_bits: u8, deflate_bits: u8) -> Self {
        Self {
            inflate: Direction { window_bits: clamped(inflate_bits), takeover: true },
            deflate: Direction { window_bits: clamped(deflate_bits), takeover: false },
        }
    }

    /// The same, but what is sent may refer to earlier messages: short and similar ones become several times shorter. Only for
    /// what holds no secrets, or no text of strangers.
    #[must_use]
    pub const fn with_takeover(mut self) -> Self {
        self.deflate.takeover = true;
        self
    }

    /// The same, but the peer may not refer to earlier messages, so that one window serves many connections in turn.
    #[must_use]
    pub const fn without_peer_takeover(mut self) -> Self {
        self.inflate.takeover = false;
        self
    }

    /// A server's answer to one offer.
    ///
    /// # Errors
    ///
    /// Why this offer is declined. The next one may not be; without any, nothing is compressed.
    pub fn accept<'p>(
        &self,
        params: impl Iterator<Item = (&'p str, Option<Value>)>,
    ) -> Result<Agreement, Declined> {
        let offer = Parameters::read(params)?;
        let inflate_bits = match offer.client_max_window_bits {
            // It may use any window, and would not understand a limit (RFC 7692 7.1.2.2).
            Bits::ABSENT if self.inflate.window_bits < BITS_MAX => return Err(Declined::Window),
            Bits::ABSENT => BITS_MAX,
            // The least limit may be given (RFC 7692 7.1.2.2), but zlib cannot deflate in so small a window. Some clients built on
            // it let the whole connection fail then, which opens if there is no compression.
            Bits::UNLIMITED | Bits(9..) if self.inflate.window_bits == BITS_MIN => {
                return Err(Declined::Window);
            }
            Bits::UNLIMITED => self.inflate.window_bits,
            Bits(bits) => bits.min(self.inflate.window_bits),
        };
        let deflate_bits = match offer.server_max_window_bits {
            Bits::ABSENT => self.deflate.window_bits,
            Bits::UNLIMITED => return Err(Declined::Value), // RFC 7692 7.1.2.1
            Bits(bits) => bits.min(self.deflate.window_bits),
        };
        let takeover = self.deflate.takeover && !offer.server_no_context_takeover;
        let peer_takeover = self.inflate.takeover && !offer.client_no_context_takeover;
        let said = |asked: Bits, bits| if asked == Bits::ABSENT { asked } else { Bits(bits) };
        Ok(Agreement {
            inflate: Direction { window_bits: inflate_bits, takeover: peer_takeover },
            deflate: Direction { window_bits: deflate_bits, takeover },
            answer: Parameters {
                server_no_context_takeover: !takeover,
                client_no_context_takeover: !peer_takeover,
                server_max_window_bits: said(offer.server_max_window_bits, deflate_bits),
                client_max_window_bits: said(offer.client_max_window_bits, inflate_bits),
            },
        })
    }

    /// The parameters of a client's offer.
    pub fn offer(&self) -> Parameters {
        let limit = self.inflate.window_bits;
        Parameters {
            server_no_context_takeover: !self.inflate.takeover,
            client_no_context_takeover: !self.deflate.takeover,
            server_max_window_bits: if limit < BITS_MAX { Bits(limit) } else { Bits::ABSENT },
            client_max_window_bits: Bits::UNLIMITED,
        }
    }

    /// Whether a client can live with the server's answer to its [`offer`](Self::offer).
    ///
    /// # Errors
    ///
    /// Why not: the connection has to fail (RFC 7692 7.1).
    pub fn confirm<'p>(
        &self,
        params: impl Iterator<Item = (&'p str, Option<Value>)>,
    ) -> Result<Agreement, Declined> {
        let answer = Parameters::read(params)?;
        if !self.inflate.takeover && !answer.server_no_context_takeover {
            return Err(Declined::Takeover);
        }
        let limit_of = |bits| match bits {
            Bits::ABSENT => Ok(BITS_MAX),
            Bits::UNLIMITED => Err(Declined::Value),
            Bits(bits) => Ok(bits),
        };
        let inflate_bits = limit_of(answer.server_max_window_bits)?;
        if inflate_bits > self.inflate.window_bits {
            return Err(Declined::Window);
        }
        let deflate_bits = limit_of(answer.client_max_window_bits)?.min(self.deflate.window_bits);
        Ok(Agreement {
            inflate: Direction { window_bits: inflate_bits, takeover: !answer.server_no_context_takeover },
            deflate: Direction {
                window_bits: deflate_bits,
                takeover: self.deflate.takeover && !answer.client_no_context_takeover,
            },
            answer,
        })
    }
}

/// What was agreed on, as one end sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Agreement {
    /// How the peer's messages are compressed: the window to inflate in is at least this long.
    pub inflate: Direction,
    /// How one's own may be, at most.
    pub deflate: Direction,
    /// The parameters with which the server says so.
    pub answer: Parameters,
}

/// The parameters of an offer or an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Parameters {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: Bits,
    client_max_window_bits: Bits,
}

/// A limit on a window: its bits. In one byte, as what was agreed on is kept while a handshake goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
struct Bits(u8);

impl Bits {
    const ABSENT: Self = Self(0);

    /// Without a value: a limit is understood (RFC 7692 7.1.2.2).
    const UNLIMITED: Self = Self(1);
}

/// The value of a parameter: a number, or `None` for what is none.
pub type Value = Option<u32>;

impl Parameters {
    const NONE: Self = Self {
        server_no_context_takeover: false,
        client_no_context_takeover: false,
        server_max_window_bits: Bits::ABSENT,
        client_max_window_bits: Bits::ABSENT,
    };

    /// Reads parameters, each a name and, if it has one, a value.
    fn read<'p>(params: impl Iterator<Item = (&'p str, Option<Value>)>) -> Result<Self, Declined> {
        let mut read = Self::NONE;
        for (name, value) in params {
            let is_new = match name {
                "server_no_context_takeover" => set(&mut read.server_no_context_takeover, value)?,
                "client_no_context_takeover" => set(&mut read.client_no_context_takeover, value)?,
                "server_max_window_bits" => limit(&mut read.server_max_window_bits, value)?,
                "client_max_window_bits" => limit(&mut read.client_max_window_bits, value)?,
                _ => return Err(Declined::Unknown),
            };
            if !is_new {
                return Err(Declined::Duplicate);
            }
        }
        Ok(read)
    }

    /// Each parameter by its name, with its value, if it has one: to be written.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, Option<u8>)> {
        let flag = |name, is_set: bool| is_set.then_some((name, None));
        let bits = |name, bits| match bits {
            Bits::ABSENT => None,
            Bits::UNLIMITED => Some((name, None)),
            Bits(bits) => Some((name, Some(bits))),
        };
        let all = [
            flag("server_no_context_takeover", self.server_no_context_takeover),
            flag("client_no_context_takeover", self.client_no_context_takeover),
            bits("server_max_window_bits", self.server_max_window_bits),
            bits("client_max_window_bits", self.client_max_window_bits),
        ];
        all.into_iter().flatten()
    }
}

/// `false`: it was set before.
fn set(flag: &mut bool, value: Option<Value>) -> Result<bool, Declined> {
    if value.is_some() {
        return Err(Declined::Value);
    }
    Ok(!core::mem::replace(flag, true))
}

fn limit(bits: &mut Bits, value: Option<Value>) -> Result<bool, Declined> {
    let read = match value {
        None => Bits::UNLIMITED,
        Some(Some(n @ 8..=15)) => Bits(n as u8),
        Some(_) => return Err(Declined::Value),
    };
    Ok(core::mem::replace(bits, read) == Bits::ABSENT)
}

const fn clamped(bits: u8) -> u8 {
    match bits {
        0..BITS_MIN => BITS_MIN,
        BITS_MIN..=BITS_MAX => bits,
        _ => BITS_MAX,
    }
}

/// Why an offer, or an answer, will not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Declined {
    /// It has a parameter that the extension does not know.
    Unknown,
    /// It has a parameter twice.
    Duplicate,
    /// A parameter has a value and takes none, lacks one, or has one that is no number from 8 to 15 without a leading zero.
    Value,
    /// The peer's window may be greater than the one there is, or the peer may not be able to do with 8 bits.
    Window,
    /// The peer keeps its context between messages, though it was asked not to.
    Takeover,
}

impl core::fmt::Display for Declined {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Unknown => "unknown parameter",
            Self::Duplicate => "parameter given twice",
            Self::Value => "bad value of a parameter",
            Self::Window => "window too large",
            Self::Takeover => "context takeover was ruled out",
        })
    }
}

impl core::error::Error for Declined {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::thin;

    #[test]
    fn there_is_no_window_but_those_of_the_extension() {
        for bits in 0..=255 {
            let terms = Terms::new(bits, 255 - bits);
            assert_eq!(terms.inflate.window_bits, bits.clamp(8, 15));
            assert_eq!(terms.deflate.window_bits, (255 - bits).clamp(8, 15));
        }
    }

    /// `a; b=9` as the handshake hands it over.
    fn params(text: &str) -> impl Iterator<Item = (&str, Option<Value>)> {
        text.split(';').map(str::trim).filter(|p| !p.is_empty()).map(|param| match param.split_once('=') {
            Some((name, value)) => (name, Some(value.parse().ok().filter(|_| !value.starts_with('0')))),
            None => (param, None),
        })
    }

    fn written(parameters: Parameters) -> String {
        let text = |(name, value): (&str, Option<u8>)| match value {
            Some(value) => format!("{name}={value}"),
            None => name.to_string(),
        };
        parameters.iter().map(text).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn an_offer_without_parameters_asks_for_nothing() {
        let agreed = Terms::new(15, 15).with_takeover().accept(params("")).unwrap();
        assert_eq!(written(agreed.answer), "");
        assert_eq!(agreed.inflate, Direction { window_bits: 15, takeover: true });
        assert_eq!(agreed.deflate, Direction { window_bits: 15, takeover: true });
    }

    #[test]
    fn a_server_answers_what_it_is_asked_for_and_what_it_needs() {
        let small = Terms::new(9, 10);
        for (offer, answer, inflate, deflate) in [
            ("client_max_window_bits", "server_no_context_takeover; client_max_window_bits=9", 9, 10),
            ("client_max_window_bits=15", "server_no_context_takeover; client_max_window_bits=9", 9, 10),
            ("client_max_window_bits=8", "server_no_context_takeover; client_max_window_bits=8", 8, 10),
            (
                "client_max_window_bits; server_max_window_bits=12",
                "server_no_context_takeover; server_max_window_bits=10; client_max_window_bits=9",
                9,
                10,
            ),
            (
                "server_max_window_bits=8; client_no_context_takeover; client_max_window_bits",
                "server_no_context_takeover; client_no_context_takeover; server_max_window_bits=8; \
                 client_max_window_bits=9",
                9,
                8,
            ),
        ] {
            let agreed = small.accept(params(offer)).expect(offer);
            assert_eq!(written(agreed.answer), answer, "{offer}");
            assert_eq!(
                (agreed.inflate.window_bits, agreed.deflate.window_bits),
                (inflate, deflate),
                "{offer}"
            );
        }
        let agreed = Terms::new(15, 15).without_peer_takeover().accept(params("")).unwrap();
        assert_eq!(written(agreed.answer), "server_no_context_takeover; client_no_context_takeover");
        assert!(!agreed.inflate.takeover && !agreed.deflate.takeover);
    }

    #[test]
    fn what_does_not_hold_is_declined_with_a_reason() {
        let roomy = Terms::new(15, 15);
        for (offer, why) in [
            ("x", Declined::Unknown),
            ("Server_no_context_takeover", Declined::Unknown),
            ("server_no_context_takeover; server_no_context_takeover", Declined::Duplicate),
            ("client_max_window_bits; client_max_window_bits=9", Declined::Duplicate),
            ("server_no_context_takeover=true", Declined::Value),
            ("server_max_window_bits", Declined::Value),
            ("server_max_window_bits=7", Declined::Value),
            ("server_max_window_bits=16", Declined::Value),
            ("server_max_window_bits=09", Declined::Value),
            ("client_max_window_bits=0", Declined::Value),
            ("client_max_window_bits=x", Declined::Value),
        ] {
            assert_eq!(roomy.accept(params(offer)), Err(why), "{offer}");
        }
        assert_eq!(Terms::new(14, 15).accept(params("")), Err(Declined::Window));
    }

    #[test]
    fn a_window_of_8_bits_is_given_to_nobody_who_did_not_offer_it() {
        let least = Terms::new(8, 8);
        for offer in ["", "client_max_window_bits", "client_max_window_bits=9", "client_max_window_bits=15"] {
            assert_eq!(least.accept(params(offer)), Err(Declined::Window), "{offer}");
        }
        for bits in 8..=15 {
            let agreed = Terms::new(bits, 15).accept(params("client_max_window_bits=8")).unwrap();
            assert_eq!(agreed.inflate.window_bits, 8);
            assert_eq!(written(agreed.answer), "server_no_context_takeover; client_max_window_bits=8");
        }
        // Of what it deflates in, a server says what it likes: zlib inflates it.
        let agreed = Terms::new(15, 8).accept(params("server_max_window_bits=15")).unwrap();
        assert_eq!(written(agreed.answer), "server_no_context_takeover; server_max_window_bits=8");
    }

    #[test]
    fn a_client_offers_what_it_can_and_checks_the_answer() {
        assert_eq!(written(Terms::new(15, 15).with_takeover().offer()), "client_max_window_bits");
        let small = Terms::new(9, 10).without_peer_takeover();
        assert_eq!(
            written(small.offer()),
            "server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9; client_max_window_bits"
        );
        for (answer, why) in [
            ("server_max_window_bits=9", Declined::Takeover),
            ("server_no_context_takeover", Declined::Window),
            ("server_no_context_takeover; server_max_window_bits=10", Declined::Window),
            ("server_no_context_takeover; server_max_window_bits", Declined::Value),
            ("server_no_context_takeover; server_max_window_bits=9; client_max_window_bits", Declined::Value),
            ("server_no_context_takeover; server_max_window_bits=9; y", Declined::Unknown),
        ] {
            assert_eq!(small.confirm(params(answer)), Err(why), "{answer}");
        }
        let answer = "server_no_context_takeover; server_max_window_bits=8; client_max_window_bits=9";
        let agreed = small.confirm(params(answer)).unwrap();
        assert_eq!(agreed.inflate, Direction { window_bits: 8, takeover: false });
        assert_eq!(agreed.deflate, Direction { window_bits: 9, takeover: false });
        let agreed = Terms::new(15, 12).with_takeover().confirm(params("")).unwrap();
        assert_eq!(agreed.inflate, Direction { window_bits: 15, takeover: true });
        assert_eq!(agreed.deflate, Direction { window_bits: 12, takeover: true });
        let agreed =
            Terms::new(15, 12).with_takeover().confirm(params("client_no_context_takeover")).unwrap();
        assert!(!agreed.deflate.takeover);
    }

    /// All windows and takeovers of both, and all that a client may say of its own window. Whether it is declined depends on
    /// nothing but whether the client can be held to the server's window, and surely can do it.
    #[test]
    fn any_terms_of_a_client_and_a_server_come_to_an_agreement_that_both_hold() {
        const TERMS: usize = 8usize.pow(4);
        let limits: Vec<_> = (8..=15).map(Bits).chain([Bits::ABSENT, Bits::UNLIMITED]).collect();
        for nth in thin(0..limits.len() * TERMS, 1021) {
            let (said, bits) = (limits[nth / TERMS], (nth % TERMS) as u32);
            let pick = |i: u32| 8 + (bits / 8u32.pow(i) % 8) as u8;
            let is_able = match said {
                Bits::ABSENT => pick(2) == 15,
                Bits(8) => true,
                Bits::UNLIMITED | Bits(_) => pick(2) > 8,
            };
            for flags in 0..16 {
                let on = |flag| flags & flag != 0;
                let terms = |a, b, own, peer| {
                    let terms = Terms::new(a, b);
                    let terms = if own { terms.with_takeover() } else { terms };
                    if peer { terms } else { terms.without_peer_takeover() }
                };
                let client = terms(pick(0), pick(1), on(1), on(2));
                let server = terms(pick(2), pick(3), on(4), on(8));
                let value = |(name, bits): (&'static str, Option<u8>)| (name, bits.map(|b| Some(b.into())));
                let offer = Parameters { client_max_window_bits: said, ..client.offer() };
                let there = match server.accept(offer.iter().map(value)) {
                    Ok(there) => there,
                    Err(why) => {
                        assert_eq!((why, is_able), (Declined::Window, false), "{offer:?} to {server:?}");
                        continue;
                    }
                };
                assert!(is_able, "{offer:?} to {server:?}");
                let here = client.confirm(there.answer.iter().map(value)).unwrap();
                for (sender, receiver, most) in
                    [(here.deflate, there.inflate, pick(2)), (there.deflate, here.inflate, pick(0))]
                {
                    assert!(sender.window_bits <= receiver.window_bits && receiver.window_bits <= most);
                    assert!(!sender.takeover || receiver.takeover);
                }
                // The client is told no more than it understands, and of nothing that it may not be able to do.
                match (said, there.answer.client_max_window_bits) {
                    (Bits::ABSENT, told) => assert_eq!(told, Bits::ABSENT),
                    (Bits::UNLIMITED, Bits(told)) => assert!((9..=15).contains(&told)),
                    (Bits(said), Bits(told)) => assert!((said.min(9)..=said).contains(&told)),
                }
            }
        }
    }
}
