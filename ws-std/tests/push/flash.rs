//! The exchange that Flash Player made before it opened a connection, on the port of everything else. No browser makes it today.

use super::host::{Host, with_policy};
use super::raw::{Raw, has_status};
use crate::common::frames::{BINARY, TEXT, frame};

const POLICY: &str = "<?xml version=\"1.0\"?><!DOCTYPE cross-domain-policy SYSTEM \
    \"http://www.macromedia.com/xml/dtds/cross-domain-policy.dtd\"><cross-domain-policy>\
    <allow-access-from domain=\"example.com\" to-ports=\"80,8080\"/></cross-domain-policy>\0";

#[test]
fn the_policy_comes_byte_for_byte_and_a_websocket_behind_it_on_the_same_port() {
    let host = Host::with(with_policy());
    let mut raw = Raw::asking(&host, "<policy-file-request/>\0");
    assert_eq!(raw.rest(), POLICY);
    assert!(host.ended().0.is_ok());
    let mut raw = Raw::connect(&host);
    for byte in b"<policy-file-request/>\0" {
        raw.write(&[*byte]);
    }
    assert_eq!(raw.rest(), POLICY);

    let mut raw = Raw::connect(&host);
    raw.ask("GET /echo", UPGRADE, "");
    has_status(&raw.head(), 101);
    raw.write(&frame(true, TEXT, b"hello"));
    assert_eq!(raw.take(7), frame(false, BINARY, b"hello"));
}

pub(crate) const UPGRADE: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

#[test]
fn what_is_no_such_request_is_refused() {
    let host = Host::with(with_policy());
    for request in ["<policy-file-request>\0\0", "<html>", "<policy-file-request/>\r\n\r\n"] {
        has_status(&Raw::asking(&host, request).rest(), 400);
    }
    // A server without a policy knows nothing of Flash.
    has_status(&Raw::asking(&Host::start(), "<policy-file-request/>\0\r\n\r\n").rest(), 400);
    // One that has one serves all else as it always does.
    let mut raw = Raw::connect(&host);
    raw.ask("GET /page", "", "");
    has_status(&raw.response().0, 200);
}
