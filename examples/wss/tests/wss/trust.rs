//! Who is believed, and who is not. No byte of the WebSocket goes to whom is not.

use crate::block_on;
use crate::server::{ALONE, Authority, Identity, echo, start};
use rcgen::{CertificateParams, KeyPair};
use ws_embassy::{CloseCode, Options, Plain};
use wss::{Trust, host};

/// Opens and closes a WebSocket with a server of that identity.
fn open(identity: &Identity, trust: Trust<'_>) -> Result<(), String> {
    let (port, server) = start(identity.config(ALONE), echo);
    let url = format!("wss://localhost:{port}/");
    let session = async |ws: &mut host::TlsWebSocket<'_, '_>| ws.close(CloseCode::NORMAL, "").await;
    let result = block_on(host::run(&url, trust, &Options::DEFAULT, Plain, session));
    let served = server.join().unwrap();
    assert_eq!(result.is_ok(), served.is_ok(), "{result:?}, {served:?}");
    result.map_err(|error| error.to_string())
}

const UNTRUSTED: &str =
    "the server's certificate is not trusted: another issuer, another name, expired, or a chain";

#[test]
fn a_certificate_of_the_issuer_is_trusted() {
    let authority = Authority::new();
    assert_eq!(open(&authority.issue("localhost"), Trust::Issuer(&authority.der)), Ok(()));
}

#[test]
fn a_certificate_that_issued_itself_is_trusted_if_it_is_the_one() {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    let identity = Identity::new(certificate.der().to_vec(), key);
    assert_eq!(open(&identity, Trust::Issuer(certificate.der())), Ok(()));
    assert_eq!(open(&identity, Trust::Issuer(&Authority::new().der)), Err(UNTRUSTED.to_owned()));
}

#[test]
fn a_certificate_of_another_issuer_is_not() {
    let (authority, other) = (Authority::new(), Authority::new());
    assert_eq!(open(&other.issue("localhost"), Trust::Issuer(&authority.der)), Err(UNTRUSTED.to_owned()));
}

#[test]
fn a_certificate_for_another_name_is_not() {
    let authority = Authority::new();
    for name in ["other.example", "localhost.example", "example.localhost", "*"] {
        let identity = authority.issue(name);
        assert_eq!(open(&identity, Trust::Issuer(&authority.der)), Err(UNTRUSTED.to_owned()), "{name}");
    }
}

#[test]
fn a_certificate_outside_its_time_is_not() {
    let authority = Authority::new();
    for (from, to) in [(1990, 2020), (2900, 2901)] {
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(from, 1, 1);
        params.not_after = rcgen::date_time_ymd(to, 1, 1);
        let identity = authority.issue_with(params);
        assert_eq!(open(&identity, Trust::Issuer(&authority.der)), Err(UNTRUSTED.to_owned()), "{from}");
    }
}

#[test]
fn a_chain_is_not_for_anybody_in_it_might_have_issued_the_last() {
    let authority = Authority::new();
    // A proper authority in between, and a server's certificate that plays one.
    for middle in [authority.below(), Authority::of(authority.issue("other.example"))] {
        let mut identity = middle.issue("localhost");
        identity.chain.push(middle.der.clone());
        assert_eq!(open(&identity, Trust::Issuer(&authority.der)), Err(UNTRUSTED.to_owned()));
    }
}

#[test]
fn anybody_is_believed_only_if_that_is_asked_for() {
    let identity = Authority::new().issue("other.example");
    assert_eq!(open(&identity, Trust::Anybody), Ok(()));
}

#[test]
fn an_older_tls_is_refused_and_said_to_be() {
    let authority = Authority::new();
    let config = authority.issue("localhost").config(&[&rustls::version::TLS12]);
    let (port, server) = start(config, echo);
    let url = format!("wss://localhost:{port}/");
    let session = async |_: &mut host::TlsWebSocket<'_, '_>| Ok(());
    let result = block_on(host::run(&url, Trust::Issuer(&authority.der), &Options::DEFAULT, Plain, session));
    assert_eq!(result.unwrap_err().to_string(), "the server does not speak TLS 1.3");
    assert!(server.join().unwrap().is_err());
}
