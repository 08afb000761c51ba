//! JSONP: [`Callback`], the name of the function that a script calls with what it carries.
//!
//! How it works: the page adds a `<script src="…?callback=fn">`, and the server answers with a script that calls `fn` with the answer of
//! a poll, [`PollBody`](super::PollBody). Scripts may come from anywhere, which is why it worked across origins before CORS. What the page
//! has to say goes in the query, in `d=`, percent-encoded; so little at a time.
//!
//! What it costs: a request for each answer, as any polling; and the page trusts the server with all that it is, as what comes is run.
//!
//! When to use it: last, for browsers so old that they have nothing else, across origins. It is the one technique in which
//! the server does not learn the origin of the page: any page of the world can fetch the script, with the cookies of the user. So leave
//! it off unless it is needed, ask for a `Referer` of the same host, and put nothing behind it that cookies alone protect.
//!
//! What is done here against misuse: the name is made of a few characters, none of which can open a tag or a string; `/**/` stands in front
//! of it, so that nobody can have a name of theirs stand first in the file, as the Flash files of letters alone did; and all of JSON
//! that is special in scripts is escaped.

/// The longest name of a function, in bytes.
pub const CALLBACK_MAX: usize = 64;

/// The name of a function: `[A-Za-z_$][A-Za-z0-9_$.]*`, at most [`CALLBACK_MAX`] bytes.
///
/// # Memory
///
/// 65 bytes: a copy, as the request that it stood in is gone before the answer ends.
///
/// ```
/// use ws_core::transport::Callback;
/// assert_eq!(Callback::parse("push.fn_1").map(|name| name.as_str().len()), Some(9));
/// assert_eq!(Callback::parse("push.fn_1").map(|name| name.is_plain()), Some(false));
/// assert_eq!(Callback::parse("alert(1)"), None);
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Callback {
    text: [u8; CALLBACK_MAX],
    len: u8,
}

impl Callback {
    /// `Content-Type` of a script; send `X-Content-Type-Options: nosniff` with it.
    pub const CONTENT_TYPE: &'static str = "text/javascript; charset=utf-8";

    /// The function `name`; `None`: it may not be called, so answer 400, without a word of it.
    pub fn parse(name: &str) -> Option<Self> {
        let is_letter = |b: u8| b.is_ascii_alphabetic() || matches!(b, b'_' | b'$');
        let is_rest = |b: u8| is_letter(b) || b.is_ascii_digit() || b == b'.';
        let (first, rest) = name.as_bytes().split_first()?;
        if name.len() > CALLBACK_MAX || !is_letter(*first) || !rest.iter().all(|b| is_rest(*b)) {
            return None;
        }
        let mut text = [0; CALLBACK_MAX];
        let len = crate::bytes::copy(&mut text, name.as_bytes()) as u8;
        Some(Self { text, len })
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// It has no dot, so it is a function of the page, and none of whatever the page can reach. An [`HtmlStream`](super::HtmlStream) is to
    /// have such a one.
    pub fn is_plain(&self) -> bool {
        self.as_bytes().iter().all(|b| *b != b'.')
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.text.get(..usize::from(self.len)).unwrap_or(&[])
    }
}

impl core::fmt::Debug for Callback {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Callback({})", self.as_str())
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Callback {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Callback({=str})", self.as_str());
    }
}
