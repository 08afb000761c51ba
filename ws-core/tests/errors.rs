//! What errors say of themselves: each its own, in one line that can stand in a log or behind a colon, with nothing of what a peer sent.

use std::collections::HashSet;
use std::error::Error;

use ws_core::bytes::percent::BadPercent;
use ws_core::deflate::negotiate::Declined;
use ws_core::deflate::{InflateError, SizeError};
use ws_core::handshake::{client, extensions, server};
use ws_core::http::{BodyError, HeadError, exchange};
use ws_core::transport::{EventStreamError, Lost, Rejection, SendError, UpstreamError, WebSocketError};
use ws_core::{CapacityError, PeerError, UsageError};

/// The texts of all errors of a type, no two of them the same.
fn texts<E: Error>(errors: &[E]) -> Vec<String> {
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    for (text, error) in texts.iter().zip(errors) {
        let is_line = text.bytes().all(|b| matches!(b, b' '..=b'~')) && text.trim() == text;
        assert!(is_line && text.len() > 4 && !text.ends_with('.'), "{error:?}: {text:?}");
    }
    assert_eq!(texts.iter().collect::<HashSet<_>>().len(), errors.len(), "{texts:#?}");
    texts
}

const HEAD: [HeadError; 11] = [
    HeadError::BadLine,
    HeadError::BadVersion,
    HeadError::BadTarget,
    HeadError::BareLineBreak,
    HeadError::FoldedLine,
    HeadError::BadName,
    HeadError::ControlByte,
    HeadError::DuplicateField,
    HeadError::LongLine,
    HeadError::LongHead,
    HeadError::ManyFields,
];

const BODY: [BodyError; 10] = [
    BodyError::BadLength,
    BodyError::TwoFramings,
    BodyError::BadCoding,
    BodyError::UnknownCoding,
    BodyError::LengthRequired,
    BodyError::TooLong,
    BodyError::BadChunk,
    BodyError::LongExtension,
    BodyError::LongTrailer,
    BodyError::Incomplete,
];

#[test]
fn errors_of_a_websocket_say_which() {
    use PeerError::*;
    texts(&[
        ReservedBits,
        ReservedOpcode,
        UnmaskedFrame,
        MaskedFrame,
        FragmentedControl,
        LongControl,
        NothingToContinue,
        MessageInMessage,
        BadLength,
        BadClose,
        InvalidUtf8,
        MessageTooBig,
        TooManyFragments,
        BadCompression,
        Refused,
    ]);
    let usage = [
        UsageError::Closing,
        UsageError::UnfinishedMessage,
        UsageError::UnfinishedFrame,
        UsageError::TooMuchPayload,
        UsageError::OutputTooSmall,
        UsageError::BadField,
        UsageError::NotOffered,
        UsageError::LongControl,
    ];
    let said = texts(&usage);
    texts(&[CapacityError]);
    texts(&[InflateError::Data, InflateError::Distance, InflateError::Truncated]);
    texts(&[SizeError::Window, SizeError::Heads, SizeError::Links, SizeError::Tokens]);
    // What an application did wrong is the same over any way to push.
    let pushed = texts(&usage.map(WebSocketError::Usage));
    assert_eq!(pushed, said);
    assert_eq!(WebSocketError::Lost.to_string(), texts(&[Lost])[0]);
}

#[test]
fn errors_of_http_are_their_reasons() {
    let head = texts(&HEAD);
    assert_eq!(head, HEAD.map(HeadError::reason));
    let body = texts(&BODY);
    assert_eq!(body, BODY.map(BodyError::reason));
    use exchange::Refusal;
    let all: Vec<Refusal> = HEAD
        .map(Refusal::Head)
        .into_iter()
        .chain(BODY.map(Refusal::Body))
        .chain([Refusal::NoHost, Refusal::Expectation, Refusal::TimedOut, Refusal::Over])
        .collect();
    let said = texts(&all);
    assert!(said.starts_with(&head) && said[head.len()..].starts_with(&body));
    assert_eq!(said, all.iter().map(|refusal| refusal.reason()).collect::<Vec<_>>());
}

#[test]
fn errors_of_a_handshake_say_which() {
    use server::Refusal;
    let all: Vec<Refusal> = HEAD
        .map(Refusal::from)
        .into_iter()
        .chain([
            Refusal::NoHost,
            Refusal::Method,
            Refusal::NoUpgrade,
            Refusal::WebSocketVersion,
            Refusal::Key,
            Refusal::Body,
            Refusal::Grammar,
            Refusal::Origin,
            Refusal::TimedOut,
        ])
        .collect();
    assert_eq!(texts(&all), all.iter().map(|refusal| refusal.reason()).collect::<Vec<_>>());
    let seen: Vec<client::Error> = HEAD
        .map(client::Error::from)
        .into_iter()
        .chain([
            client::Error::Refused { status: 403 },
            client::Error::Refused { status: 503 },
            client::Error::Upgrade,
            client::Error::Connection,
            client::Error::Accept,
            client::Error::Extension,
            client::Error::Compression(Declined::Unknown),
            client::Error::Compression(Declined::Window),
            client::Error::Compression(Declined::Takeover),
            client::Error::Subprotocol,
            client::Error::Body,
            client::Error::TimedOut,
        ])
        .collect();
    let said = texts(&seen);
    assert!(said.iter().any(|text| text.contains("403")), "who is refused wants to know how: {said:?}");
    texts(&[Declined::Unknown, Declined::Duplicate, Declined::Value, Declined::Window, Declined::Takeover]);
    texts(&[extensions::GrammarError]);
}

#[test]
fn errors_of_push_say_which() {
    let upstream = [
        UpstreamError::BadRecord,
        UpstreamError::InvalidUtf8,
        UpstreamError::TooLong,
        UpstreamError::Truncated,
        UpstreamError::Gap,
        UpstreamError::Superseded,
    ];
    assert_eq!(texts(&upstream), upstream.map(UpstreamError::reason));
    let rejections = [
        Rejection::Origin,
        Rejection::Jsonp,
        Rejection::BadQuery,
        Rejection::BadCallback,
        Rejection::NoSession,
        Rejection::Method,
        Rejection::Full,
    ];
    assert_eq!(texts(&rejections), rejections.map(|rejection| rejection.reason().trim_end()));
    texts(&[SendError::NoSession, SendError::Full, SendError::TooLarge]);
    texts(&[EventStreamError::TooLong, EventStreamError::InvalidUtf8]);
    texts(&[BadPercent]);
}

#[test]
fn each_refusal_has_a_reason_of_its_own() {
    use exchange::Refusal;
    let others = [Refusal::NoHost, Refusal::Expectation, Refusal::TimedOut, Refusal::Over];
    let refusals = BODY.map(Refusal::Body).into_iter().chain(others);
    let reasons: std::collections::HashSet<_> = refusals.map(Refusal::reason).collect();
    assert_eq!(reasons.len(), BODY.len() + others.len(), "{reasons:?}");
    assert!(BODY.map(BodyError::reason).iter().all(|reason| reasons.contains(reason)));
}
