//! Strings of JSON (RFC 8259 7), written: [`Escaped`]. What stands around them is the writer's; nothing is read here.

/// The inside of a JSON string that means `text`, in pieces: runs of the text as they are, and escapes between them.
///
/// Escaped is what JSON demands, `"`, `\` and control characters, and what makes the string safe where it is put into
/// JavaScript and into a `<script>` of HTML: `</` and `<!` are taken apart, so that neither `</script>` nor `<!--` can
/// stand in it, and U+2028 and U+2029 are written out, which older engines take for line breaks.
///
/// `text` is all of the string, in UTF-8; with anything else the pieces hold the same faulty bytes. A piece is never
/// empty.
///
/// # Memory
///
/// 5 words. Nothing is copied: a piece is a part of the text, or a constant.
///
/// ```
/// use ws_core::bytes::json::Escaped;
/// let pieces: Vec<&[u8]> = Escaped::new(b"say \"hi\"</script>").collect();
/// assert_eq!(pieces.concat(), br#"say \"hi\"<\/script>"#);
/// ```
#[derive(Clone, Debug)]
pub struct Escaped<'a> {
    rest: &'a [u8],
    /// The byte in front of `rest` is a `<`.
    behind_less: bool,
    /// The second half of an escape of which the first was handed out.
    owed: &'static [u8],
}

impl<'a> Escaped<'a> {
    /// The pieces of `text`.
    pub const fn new(text: &'a [u8]) -> Self {
        Self { rest: text, behind_less: false, owed: &[] }
    }

    /// The bytes in front of the next one that has to be escaped, how long that is, and what stands for it.
    fn next_escape(&self) -> (usize, usize, &'static [u8]) {
        let mut behind_less = self.behind_less;
        let mut rest = self.rest;
        while let [byte, behind @ ..] = rest {
            let at = self.rest.len().saturating_sub(rest.len());
            match byte {
                b'"' => return (at, 1, b"\\\""),
                b'\\' => return (at, 1, b"\\\\"),
                b'/' if behind_less => return (at, 1, b"\\/"),
                b'!' if behind_less => return (at, 1, b"\\u0021"),
                b'\n' => return (at, 1, b"\\n"),
                b'\r' => return (at, 1, b"\\r"),
                b'\t' => return (at, 1, b"\\t"),
                0..=0x0f => return (at, 1, b"\\u000"),
                0x10..=0x1f => return (at, 1, b"\\u001"),
                // U+2028 and U+2029.
                0xe2 if matches!(behind, [0x80, 0xa8, ..]) => return (at, 3, b"\\u2028"),
                0xe2 if matches!(behind, [0x80, 0xa9, ..]) => return (at, 3, b"\\u2029"),
                _ => {}
            }
            behind_less = *byte == b'<';
            rest = behind;
        }
        (self.rest.len(), 0, b"")
    }
}

impl<'a> Iterator for Escaped<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if !self.owed.is_empty() {
            return Some(core::mem::take(&mut self.owed));
        }
        let (at, len, escape) = self.next_escape();
        if at != 0 {
            let (run, rest) = self.rest.split_at_checked(at)?;
            self.rest = rest;
            self.behind_less = run.ends_with(b"<");
            return Some(run);
        }
        let (escaped, rest) = self.rest.split_at_checked(len)?;
        if escape.len() == "\\u000".len() {
            // Its last digit is that of the byte.
            let digit = usize::from(escaped.first().unwrap_or(&0) & 15);
            self.owed = b"0123456789abcdef".get(digit..).and_then(|from| from.get(..1)).unwrap_or(b"");
        }
        self.rest = rest;
        self.behind_less = false;
        Some(escape).filter(|escape| !escape.is_empty())
    }
}
