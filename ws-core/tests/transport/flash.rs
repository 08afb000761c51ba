//! The policy exchange of Flash, byte for byte.

use crate::cases::thin;
use ws_core::transport::{PolicyFile, PolicyRequest, flash};
use ws_core::{Input, Output, UsageError};

#[test]
fn the_request_is_recognised_at_every_split() {
    assert_eq!(flash::REQUEST, b"<policy-file-request/>\0");
    for cut in thin(0..flash::REQUEST.len(), 5) {
        let mut bytes = *flash::REQUEST;
        let (first, second) = bytes.split_at_mut(cut);
        let mut request = PolicyRequest::new();
        assert_eq!(request.receive(&mut Input::new(first)), None);
        let mut input = Input::new(second);
        assert_eq!(request.receive(&mut input), Some(true));
        assert!(input.is_empty());
    }
}

#[test]
fn anything_else_is_told_from_it_at_the_first_byte_that_differs() {
    for at in thin(0..flash::REQUEST.len(), 5) {
        let mut bytes = *flash::REQUEST;
        bytes[at] ^= 0x20;
        let mut request = PolicyRequest::new();
        let mut input = Input::new(&mut bytes);
        assert_eq!(request.receive(&mut input), Some(false));
        assert_eq!(input.consumed(), at);
        assert_eq!(request.receive(&mut input), Some(false), "and stays so");
    }
    assert!(PolicyRequest::is_begun_by(b'<'));
    assert!(b"GPHODC\r\n \0\x16\x81".iter().all(|byte| !PolicyRequest::is_begun_by(*byte)));
}

#[test]
fn the_file_allows_one_domain_at_every_size_of_output() {
    let expected = "<?xml version=\"1.0\"?><!DOCTYPE cross-domain-policy SYSTEM \
        \"http://www.macromedia.com/xml/dtds/cross-domain-policy.dtd\"><cross-domain-policy>\
        <allow-access-from domain=\"pico.local\" to-ports=\"80,8000-8010\"/></cross-domain-policy>\0";
    for size in thin(1..expected.len() + 2, 60) {
        let mut file = PolicyFile::new("pico.local", "80,8000-8010").expect("valid");
        let (mut buf, mut written) = (vec![0; size], Vec::new());
        let mut out = Output::new(&mut buf);
        while !file.transmit(&mut out) {
            written.extend_from_slice(out.filled());
            out.clear();
        }
        written.extend_from_slice(out.filled());
        assert_eq!(String::from_utf8(written).as_deref(), Ok(expected));
    }
}

#[test]
fn nothing_else_gets_into_the_file() {
    for (domain, ports) in [
        ("*", "80"),
        ("*.example", "80"),
        ("h", "*"),
        ("", "80"),
        ("h", ""),
        ("h\"", "80"),
        ("h>", "80"),
        ("h", "80\""),
        ("h", "80 81"),
        ("h:80", "80"),
        ("é", "80"),
    ] {
        assert_eq!(PolicyFile::new(domain, ports).err(), Some(UsageError::BadField), "{domain} {ports}");
    }
}
