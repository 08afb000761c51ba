//! JSON strings, Base64 and percent-encoding: against plain ones written here, and piece by piece.

use crate::cases::thin;
use proptest::prelude::*;
use ws_core::bytes::base64;
use ws_core::bytes::json::Escaped;
use ws_core::bytes::percent::{BadPercent, PercentDecoder, parameter};

fn escaped(text: &str) -> String {
    let pieces: Vec<_> = Escaped::new(text.as_bytes()).collect();
    assert!(pieces.iter().all(|piece| !piece.is_empty()), "{text:?}");
    String::from_utf8(pieces.concat()).expect("UTF-8")
}

/// A reader of JSON strings, independent of what is tested.
pub(crate) fn unescaped(text: &str) -> String {
    let mut units = Vec::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        assert!(c != '"' && c >= ' ', "unescaped {c:?} in {text}");
        if c != '\\' {
            units.extend(c.encode_utf16(&mut [0; 2]).iter());
            continue;
        }
        units.push(match chars.next().expect("an escape") {
            'n' => 10,
            'r' => 13,
            't' => 9,
            'u' => {
                let digits: String = chars.by_ref().take(4).collect();
                u16::from_str_radix(&digits, 16).expect("four digits")
            }
            c @ ('"' | '\\' | '/') => c as u16,
            c => panic!("escape {c}"),
        });
    }
    String::from_utf16(&units).expect("no lone surrogates")
}

/// Base64 bit by bit.
pub(crate) fn plain_base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect();
    let mut text: String = bits
        .as_bytes()
        .chunks(6)
        .map(|six| {
            let six = format!("{:0<6}", String::from_utf8(six.to_vec()).expect("ASCII"));
            char::from(DIGITS[usize::from_str_radix(&six, 2).expect("bits")])
        })
        .collect();
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    text
}

#[test]
fn base64_is_read_where_it_lies() {
    let bytes: Vec<u8> = (0..200u16).map(|n| (n * 37 % 251) as u8).collect();
    for len in thin(0..bytes.len(), 30) {
        let mut text = plain_base64(&bytes[..len]).into_bytes();
        assert_eq!(base64::decode(&mut text).as_deref(), Some(&bytes[..len]));
    }
    // One text for each byte sequence, and no other: of all groups of four, those that are written are read.
    let digits = b"AQgwBCD=/+-_ \n\xff";
    for four in thin(0..digits.len().pow(4), 499)
        .map(|n| [0, 1, 2, 3].map(|k| digits[n / digits.len().pow(k) % digits.len()]))
    {
        let read = base64::decode(&mut { four }).map(|bytes| bytes.to_vec());
        if let Some(bytes) = &read {
            assert_eq!(plain_base64(bytes).as_bytes(), four);
        }
    }
    for bad in
        ["A", "AA", "AAA", "A===", "AA=", "AB==", "AAB=", "AA==AAAA", "=AAA", "AAAA=", "AAAA====", "A A="]
    {
        assert_eq!(base64::decode(&mut bad.as_bytes().to_vec()), None, "{bad}");
    }
}

#[test]
fn every_control_byte_and_delimiter_is_escaped() {
    for byte in 0..=0x7fu8 {
        let text = format!("a{}b", char::from(byte));
        let escaped = escaped(&text);
        assert_eq!(unescaped(&escaped), text);
        let is_plain = byte >= b' ' && byte != b'"' && byte != b'\\';
        assert_eq!(escaped == text, is_plain, "{byte:#x}");
    }
    assert_eq!(escaped("\0\x1f\x10\x0f"), "\\u0000\\u001f\\u0010\\u000f");
    assert_eq!(escaped("\r\n\t\"\\"), r#"\r\n\t\"\\"#);
}

#[test]
fn nothing_ends_a_script_or_breaks_a_line_of_one() {
    assert_eq!(escaped("</script>"), "<\\/script>");
    assert_eq!(escaped("<!--<script>"), "<\\u0021--<script>");
    assert_eq!(escaped("a/b!<b> < / <</"), "a/b!<b> < / <<\\/");
    assert_eq!(escaped("<\"/"), "<\\\"/", "the quote stands between");
    assert_eq!(escaped("\u{2028}\u{2029}\u{2027}\u{202a}€"), "\\u2028\\u2029\u{2027}\u{202a}€");
    assert_eq!(escaped(""), "");
    assert_eq!(escaped("/"), "/");
}

#[test]
fn what_is_no_text_goes_through_as_it_is() {
    for bad in [&b"\xe2\x80"[..], b"\xe2", b"a\xff\xe2\x80b"] {
        assert_eq!(Escaped::new(bad).collect::<Vec<_>>().concat(), bad);
    }
}

#[test]
fn base64_is_that_of_rfc_4648() {
    for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
        assert_eq!(plain_base64(bytes.as_bytes()), text);
    }
    for len in thin(0..80usize, 10) {
        let bytes: Vec<u8> = (0..len).map(|i| (i * 73 + 250) as u8).collect();
        let mut text = vec![0; base64::encoded_len(len).expect("short")];
        base64::encode(&bytes, &mut text);
        assert_eq!(String::from_utf8(text.clone()), Ok(plain_base64(&bytes)));
        base64::encode_url(&bytes, &mut text);
        let url = plain_base64(&bytes).replace('+', "-").replace('/', "_");
        assert_eq!(String::from_utf8(text), Ok(url));
    }
    assert_eq!(base64::encoded_len(usize::MAX), None);
}

/// All of `text` through a decoder, cut where `cuts` says.
fn decoded(mut decoder: PercentDecoder, text: &[u8], cuts: &[usize]) -> Result<Vec<u8>, BadPercent> {
    let (mut all, mut at) = (Vec::new(), 0);
    for cut in cuts.iter().copied().chain([text.len()]) {
        let mut piece = text[at..cut].to_vec();
        all.extend_from_slice(decoder.decode(&mut piece)?);
        at = cut;
    }
    if decoder.is_complete() { Ok(all) } else { Err(BadPercent) }
}

#[test]
fn escapes_are_decoded_at_every_split() {
    let text = b"a%20b+%2B%e2%82%AC%00%25" as &[u8];
    let plain = "a b++€\0%".as_bytes();
    let form = "a b +€\0%".as_bytes();
    for first in 0..=text.len() {
        for second in first..=text.len() {
            assert_eq!(decoded(PercentDecoder::new(), text, &[first, second]).as_deref(), Ok(plain));
            assert_eq!(decoded(PercentDecoder::form(), text, &[first, second]).as_deref(), Ok(form));
        }
    }
}

#[test]
fn bad_escapes_are_refused_at_every_split_and_ever_after() {
    for bad in ["%", "%4", "a%%41", "%4x", "%x4", "%+1", "% 41", "%é"] {
        for cut in thin(0..=bad.len(), 5) {
            assert_eq!(decoded(PercentDecoder::new(), bad.as_bytes(), &[cut]), Err(BadPercent), "{bad}");
        }
    }
    let mut decoder = PercentDecoder::new();
    assert!(decoder.decode(&mut b"%zz".to_vec()).is_err());
    assert!(decoder.decode(&mut b"a".to_vec()).is_err());
    assert!(decoder.decode(&mut []).is_err());
}

#[test]
fn a_parameter_is_found_by_its_whole_name() {
    let query = "s=abc&since=17.4&n=&flag&since=2";
    assert_eq!(parameter(query, "s"), Some("abc"));
    assert_eq!(parameter(query, "since"), Some("17.4"));
    assert_eq!(parameter(query, "n"), Some(""));
    assert_eq!(parameter(query, "flag"), Some(""));
    assert_eq!(parameter(query, "sin"), None);
    assert_eq!(parameter("", "s"), None);
    assert_eq!(parameter("a=s=1", "s"), None);
    for query in ["", "&", "a&&b", "s=1&"] {
        assert_eq!(parameter(query, ""), None, "nothing is no parameter");
    }
    assert_eq!(parameter("a&=1", ""), Some("1"), "but one without a name is one");
}

proptest! {
    #![proptest_config(crate::cases::cases(256))]

    #[test]
    fn any_text_comes_back(text in "(?s).{0,60}|[<!/\"\\\\\u{2028}\r\n]{0,20}") {
        let escaped = escaped(&text);
        prop_assert!(!escaped.contains("</") && !escaped.contains("<!"));
        let breaks = escaped.contains(['\u{2028}', '\u{2029}', '\n', '\r']);
        prop_assert!(!breaks);
        prop_assert_eq!(unescaped(&escaped), text);
    }
}
