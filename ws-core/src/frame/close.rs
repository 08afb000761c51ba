//! Why a connection is closed: [`CloseCode`] (RFC 6455 7.4), and the code that each error of a peer deserves.

use core::num::NonZeroU16;

use crate::bytes::utf8::Utf8;
use crate::error::PeerError;

/// A status code that may stand in a Close frame: 1000 to 1003, 1007 to 1014, 3000 to 4999.
///
/// These are the codes of RFC 6455 7.4.1 and of the IANA registry since (1012 to 1014). 1005, 1006 and 1015 describe
/// a close without a code, without a frame and a failed TLS handshake: they are never on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct CloseCode(NonZeroU16);

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)*) => {
        impl CloseCode {
            $($(#[$doc])* pub const $name: Self = match NonZeroU16::new($code) {
                Some(code) => Self(code),
                None => Self(NonZeroU16::MIN),
            };)*
        }
    };
}

codes! {
    /// 1000: the purpose is fulfilled.
    NORMAL = 1000;
    /// 1001: the server goes down, or the page was left.
    GOING_AWAY = 1001;
    /// 1002: a rule of the protocol was broken.
    PROTOCOL_ERROR = 1002;
    /// 1003: a kind of data the endpoint cannot accept.
    UNSUPPORTED_DATA = 1003;
    /// 1007: a payload that is not what its kind says, such as text that is not UTF-8.
    INVALID_PAYLOAD = 1007;
    /// 1008: a rule of the application was broken.
    POLICY_VIOLATION = 1008;
    /// 1009: a message too big to process.
    MESSAGE_TOO_BIG = 1009;
    /// 1010: the client wanted an extension that the server did not negotiate.
    MANDATORY_EXTENSION = 1010;
    /// 1011: the endpoint met a condition it did not expect.
    INTERNAL_ERROR = 1011;
    /// 1012: the server restarts.
    SERVICE_RESTART = 1012;
    /// 1013: the server is overloaded: come back later.
    TRY_AGAIN_LATER = 1013;
    /// 1014: a gateway got an invalid response from behind it.
    BAD_GATEWAY = 1014;
}

impl CloseCode {
    /// The code `code`, if it may stand in a frame; `None` for all others, such as 1005, which says that there was none.
    pub const fn new(code: u16) -> Option<Self> {
        match (code, NonZeroU16::new(code)) {
            (1000..=1003 | 1007..=1014 | 3000..=4999, Some(code)) => Some(Self(code)),
            _ => None,
        }
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0.get()
    }
}

impl core::fmt::Display for CloseCode {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.get().fmt(f)
    }
}

impl PeerError {
    /// The code that the Close frame behind this error carries (RFC 6455 7.4.1). `None` for [`Refused`](Self::Refused):
    /// the application has given it.
    pub const fn close_code(self) -> Option<CloseCode> {
        Some(match self {
            Self::InvalidUtf8 | Self::BadCompression => CloseCode::INVALID_PAYLOAD,
            Self::MessageTooBig => CloseCode::MESSAGE_TOO_BIG,
            Self::TooManyFragments => CloseCode::POLICY_VIOLATION,
            Self::Refused => return None,
            _ => CloseCode::PROTOCOL_ERROR,
        })
    }
}

/// Checks the payload of a Close frame: nothing, or a code that may be sent and a reason in UTF-8 (RFC 6455 5.5.1).
pub(crate) fn parse(payload: &[u8]) -> Result<Option<CloseCode>, PeerError> {
    let (code, reason) = match payload {
        [] => return Ok(None),
        [_] => return Err(PeerError::BadClose),
        [hi, lo, reason @ ..] => (u16::from_be_bytes([*hi, *lo]), reason),
    };
    let code = CloseCode::new(code).ok_or(PeerError::BadClose)?;
    let mut utf8 = Utf8::START;
    if utf8.check(reason).is_some() || !utf8.is_complete() {
        return Err(PeerError::InvalidUtf8);
    }
    Ok(Some(code))
}
