//! A server of one connection, in a thread, and its certificates.

use base64ct::{Base64, Encoding as _};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion};
use std::net::{Ipv6Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;
use ws_std::ws_core::handshake::server::Request;
use ws_std::{Answer, Compression, Error, Options, OriginPolicy, Plain, Server, WebSocket};

/// Who issues certificates.
pub(crate) struct Authority {
    pub(crate) der: Vec<u8>,
    issuer: Issuer<'static, KeyPair>,
}

/// A server's certificate, behind it those that issued it, and its key.
pub(crate) struct Identity {
    pub(crate) chain: Vec<Vec<u8>>,
    key: KeyPair,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let (params, key) = (Self::params(), KeyPair::generate().unwrap());
        let der = params.self_signed(&key).unwrap().der().to_vec();
        Self { der, issuer: Issuer::new(params, key) }
    }

    /// One that this one vouches for.
    pub(crate) fn below(&self) -> Self {
        let (params, key) = (Self::params(), KeyPair::generate().unwrap());
        let der = params.signed_by(&key, &self.issuer).unwrap().der().to_vec();
        Self { der, issuer: Issuer::new(params, key) }
    }

    /// A server that plays one.
    pub(crate) fn of(Identity { chain, key }: Identity) -> Self {
        let der = chain.into_iter().next().expect("a certificate");
        Self { der, issuer: Issuer::new(Self::params(), key) }
    }

    /// As it stands in files.
    pub(crate) fn pem(&self) -> String {
        let base64 = Base64::encode_string(&self.der);
        format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n")
    }

    fn params() -> CertificateParams {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
    }

    pub(crate) fn issue(&self, name: &str) -> Identity {
        self.issue_with(CertificateParams::new([name.to_owned()]).unwrap())
    }

    pub(crate) fn issue_with(&self, params: CertificateParams) -> Identity {
        let key = KeyPair::generate().unwrap();
        let leaf = params.signed_by(&key, &self.issuer).unwrap();
        Identity { chain: vec![leaf.der().to_vec()], key }
    }
}

impl Identity {
    pub(crate) fn new(der: Vec<u8>, key: KeyPair) -> Self {
        Self { chain: vec![der], key }
    }

    pub(crate) fn config(&self, versions: &[&'static SupportedProtocolVersion]) -> ServerConfig {
        let chain = self.chain.iter().map(|der| CertificateDer::from(der.clone())).collect();
        let key = PrivateKeyDer::try_from(self.key.serialize_der()).unwrap();
        ServerConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
            .with_protocol_versions(versions)
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap()
    }
}

/// TLS 1.3, alone.
pub(crate) const ALONE: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13];

pub(crate) type ServerSocket = WebSocket<Plain<StreamOwned<ServerConnection, TcpStream>>, Server>;

/// Serves one connection on a port of its own, with `serve` once the WebSocket is open.
pub(crate) fn start(
    config: ServerConfig,
    serve: impl FnOnce(ServerSocket) -> Result<(), Error> + Send + 'static,
) -> (u16, JoinHandle<Result<(), Error>>) {
    start_with(config, None, serve)
}

/// The same, which agrees to `compression` if it is offered.
pub(crate) fn start_with(
    config: ServerConfig,
    compression: Option<Compression>,
    serve: impl FnOnce(ServerSocket) -> Result<(), Error> + Send + 'static,
) -> (u16, JoinHandle<Result<(), Error>>) {
    serve_at(listen(), config, compression, serve)
}

/// The same on a port of the address for the machine itself in IPv6; `None`: it has none.
pub(crate) fn start_v6(
    config: ServerConfig,
    serve: impl FnOnce(ServerSocket) -> Result<(), Error> + Send + 'static,
) -> Option<(u16, JoinHandle<Result<(), Error>>)> {
    let listener = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).ok()?;
    Some(serve_at(listen_by(listener), config, None, serve))
}

fn serve_at(
    (port, stream): (u16, impl FnOnce() -> TcpStream + Send + 'static),
    config: ServerConfig,
    compression: Option<Compression>,
    serve: impl FnOnce(ServerSocket) -> Result<(), Error> + Send + 'static,
) -> (u16, JoinHandle<Result<(), Error>>) {
    let thread = thread::spawn(move || {
        let tls = ServerConnection::new(Arc::new(config)).unwrap();
        let options = Options { compression, ..Options::DEFAULT.with_message_limit(200_000) };
        let accept = |_: Request<'_>| Answer::accept(OriginPolicy::SameOrigin);
        let ws = ws_std::accept_with(Plain(StreamOwned::new(tls, stream())), &options, &[], accept)?;
        serve(ws.expect("every request is accepted"))
    });
    (port, thread)
}

/// A port, and what waits there for one connection.
pub(crate) fn listen() -> (u16, impl FnOnce() -> TcpStream + Send + 'static) {
    listen_by(TcpListener::bind(("127.0.0.1", 0)).unwrap())
}

fn listen_by(listener: TcpListener) -> (u16, impl FnOnce() -> TcpStream + Send + 'static) {
    let port = listener.local_addr().unwrap().port();
    let accept = move || {
        let (stream, _) = listener.accept().unwrap();
        // A test that hangs is to fail.
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    };
    (port, accept)
}

/// Sends everything back, until the client closes.
pub(crate) fn echo(mut ws: ServerSocket) -> Result<(), Error> {
    while let Some((chunk, mut sender)) = ws.receive()? {
        sender.feed(chunk.kind, &mut &*chunk.payload, chunk.last)?;
    }
    assert!(ws.was_clean());
    Ok(())
}
