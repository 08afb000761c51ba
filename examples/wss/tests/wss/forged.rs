//! Handshakes that leave out, or repeat, what proves the server: made by hand (RFC 8446), as no proper server makes them.
//! The keys are right in all of them, for anybody on the way can agree on keys. That says nothing about who it is.

use crate::block_on;
use crate::server::{ALONE, Authority, Identity, echo, listen, start};
use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes128Gcm, Nonce};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use p256::ecdh::EphemeralSecret;
use p256::{EncodedPoint, PublicKey};
use rand_core::{OsRng, RngCore};
use sha2::{Digest, Sha256};
use std::io::{Read, Write};
use std::net::TcpStream;
use ws_embassy::{Options, Plain};
use wss::{Trust, host};

/// More than a client says that goes no further than its own Finished.
const ENOUGH: u64 = 120;

/// A message of the server behind its hello (RFC 8446 4.3, 4.4).
#[derive(Clone, Copy, Debug)]
enum Message {
    Extensions,
    Certificate,
    /// A signature, by somebody.
    Verify,
    Finished,
}

use Message::{Certificate, Extensions, Finished, Verify};

impl Message {
    fn encode(self, certificate: &[u8], finished_key: &[u8], transcript: &[u8]) -> Vec<u8> {
        let hash = Sha256::digest(transcript);
        let (kind, body) = match self {
            Extensions => (8, vec![0, 0]),
            Certificate => {
                let entry = [&u24(certificate.len())[..], certificate, &[0, 0]].concat();
                (11, [&[0][..], &u24(entry.len()), &entry].concat())
            }
            // ecdsa_secp256r1_sha256, and a signature of ones.
            Verify => (15, vec![4, 3, 0, 8, 0x30, 6, 2, 1, 1, 2, 1, 1]),
            Finished => {
                let mac = <Hmac<Sha256> as Mac>::new_from_slice(finished_key).unwrap().chain_update(hash);
                (20, mac.finalize().into_bytes().to_vec())
            }
        };
        [&[kind][..], &u24(body.len()), &body].concat()
    }
}

fn u24(length: usize) -> [u8; 3] {
    let [_, length @ ..] = u32::try_from(length).unwrap().to_be_bytes();
    length
}

/// HKDF-Expand-Label (RFC 8446 7.1).
fn expand<const N: usize>(secret: &[u8], label: &str, context: &[u8]) -> [u8; N] {
    let label = [b"tls13 ", label.as_bytes()].concat();
    let lengths = |bytes: &[u8]| [&[bytes.len() as u8][..], bytes].concat();
    let info = [&(N as u16).to_be_bytes()[..], &lengths(&label), &lengths(context)].concat();
    let mut out = [0; N];
    Hkdf::<Sha256>::from_prk(secret).unwrap().expand(&info, &mut out).unwrap();
    out
}

fn read_record(stream: &mut TcpStream) -> Vec<u8> {
    let mut header = [0; 5];
    stream.read_exact(&mut header).unwrap();
    let mut body = vec![0; usize::from(u16::from_be_bytes([header[3], header[4]]))];
    stream.read_exact(&mut body).unwrap();
    body
}

fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind, 3, 3][..], &(body.len() as u16).to_be_bytes(), body].concat()
}

/// The client's key share: behind its group, P-256, and its length, 65.
fn share(hello: &[u8]) -> PublicKey {
    let at = hello.windows(5).position(|bytes| bytes == [0, 23, 0, 65, 4]).expect("a share on P-256");
    PublicKey::from_sec1_bytes(&hello[at + 4..][..65]).unwrap()
}

/// Answers a client's hello with `messages`. What the client says to that: nothing more, if it is careful.
fn forge(mut stream: TcpStream, certificate: &[u8], messages: &[Message]) -> Vec<u8> {
    let hello = read_record(&mut stream);
    let secret = EphemeralSecret::random(&mut OsRng);
    let shared = secret.diffie_hellman(&share(&hello));
    let mut random = [0; 32];
    OsRng.fill_bytes(&mut random);
    // TLS 1.3, and the share; the session's id is the client's.
    let id = &hello[38..][..1 + usize::from(hello[38])];
    let public = EncodedPoint::from(secret.public_key()); // uncompressed
    let extensions = [&[0, 43, 0, 2, 3, 4, 0, 51, 0, 69, 0, 23, 0, 65][..], public.as_bytes()].concat();
    let body =
        [&[3, 3][..], &random, id, &[0x13, 1, 0], &(extensions.len() as u16).to_be_bytes(), &extensions]
            .concat();
    let answer = [&[2][..], &u24(body.len()), &body].concat();
    let mut transcript = [hello, answer.clone()].concat();

    let nothing = Sha256::digest([]);
    let (early, _) = Hkdf::<Sha256>::extract(None, &[0; 32]);
    let derived: [u8; 32] = expand(&early, "derived", &nothing);
    let (handshake, _) = Hkdf::<Sha256>::extract(Some(&derived), shared.raw_secret_bytes());
    let traffic: [u8; 32] = expand(&handshake, "s hs traffic", &Sha256::digest(&transcript));
    let (key, iv): ([u8; 16], [u8; 12]) = (expand(&traffic, "key", &[]), expand(&traffic, "iv", &[]));
    let finished_key: [u8; 32] = expand(&traffic, "finished", &[]);

    stream.write_all(&record(22, &answer)).unwrap();
    let cipher = Aes128Gcm::new(&key.into());
    for (number, message) in messages.iter().enumerate() {
        let message = message.encode(certificate, &finished_key, &transcript);
        let plain = [&message[..], &[22]].concat();
        let header = [&[23, 3, 3][..], &((plain.len() + 16) as u16).to_be_bytes()].concat();
        let mut nonce = iv;
        nonce[11] ^= number as u8;
        let payload = Payload { msg: &plain, aad: &header };
        let sealed = cipher.encrypt(Nonce::from_slice(&nonce), payload).unwrap();
        if stream.write_all(&record(23, &sealed)).is_err() {
            break;
        }
        transcript.extend(message);
    }
    // A Finished alone has less.
    let mut said = Vec::new();
    let _ = stream.take(ENOUGH).read_to_end(&mut said);
    said
}

/// What becomes of a client that meets such a server, and how many bytes it sends behind its hello.
fn meet(trust: Option<&Authority>, certificate: &Identity, messages: &'static [Message]) -> (String, usize) {
    let (port, stream) = listen();
    let certificate = certificate.chain[0].clone();
    let server = std::thread::spawn(move || forge(stream(), &certificate, messages).len());
    let trust = trust.map_or(Trust::Anybody, |authority| Trust::Issuer(&authority.der));
    let session = async |_: &mut host::TlsWebSocket<'_, '_>| Ok(());
    let result =
        block_on(host::run(&format!("wss://localhost:{port}/"), trust, &Options::DEFAULT, Plain, session));
    (result.expect_err("no WebSocket").to_string(), server.join().unwrap())
}

/// The other tests here would pass for any mistake in the forgery: this one shows that it is a handshake.
#[test]
fn whoever_believes_anybody_finishes_the_handshake() {
    let identity = Authority::new().issue("localhost");
    let (error, said) = meet(None, &identity, &[Extensions, Finished]);
    assert_eq!(said as u64, ENOUGH, "its Finished and its request came: {error}");
}

#[test]
fn a_server_that_shows_no_certificate_is_refused() {
    let authority = Authority::new();
    let identity = authority.issue("localhost");
    let (error, said) = meet(Some(&authority), &identity, &[Extensions, Finished]);
    assert_eq!(error, "the server did not prove who it is");
    assert!((said as u64) < ENOUGH, "no request is sent, but {said} bytes");
}

#[test]
fn a_server_that_shows_the_certificate_of_another_and_signs_nothing_is_refused() {
    let authority = Authority::new();
    let identity = authority.issue("localhost");
    let (error, said) = meet(Some(&authority), &identity, &[Extensions, Certificate, Finished]);
    assert_eq!(error, "the server did not prove who it is");
    assert!((said as u64) < ENOUGH, "no request is sent, but {said} bytes");
}

#[test]
fn what_is_out_of_order_or_comes_twice_is_refused() {
    let authority = Authority::new();
    let identity = authority.issue("localhost");
    let untrusted =
        "the server's certificate is not trusted: another issuer, another name, expired, or a chain";
    let cases: [&'static [Message]; 4] = [
        &[Extensions, Certificate, Certificate, Finished],
        &[Extensions, Verify, Finished],
        &[Extensions, Verify, Certificate, Finished],
        &[Extensions, Certificate, Verify, Finished], // signed, but not by that key
    ];
    for messages in cases {
        let (error, said) = meet(Some(&authority), &identity, messages);
        assert!(error == untrusted || error.contains("TLS failed"), "{messages:?}: {error}");
        assert!((said as u64) < ENOUGH, "{messages:?}: no request is sent, but {said} bytes");
    }
    // And the same identity, proven, is trusted.
    let (port, server) = start(identity.config(ALONE), echo);
    let session =
        async |ws: &mut host::TlsWebSocket<'_, '_>| ws.close(ws_embassy::CloseCode::NORMAL, "").await;
    let url = format!("wss://localhost:{port}/");
    block_on(host::run(&url, Trust::Issuer(&authority.der), &Options::DEFAULT, Plain, session)).unwrap();
    server.join().unwrap().unwrap();
}
