//! Whom a client trusts: [`Trust`]. Signatures and names are checked by embedded-tls; here it is seen to that they were.

use embedded_tls::pki::CertVerifier;
use embedded_tls::{
    Aes128GcmSha256, Certificate, CertificateRef, CertificateVerifyRef, CryptoProvider, CryptoRngCore,
    Sha256, TlsClock, TlsError, TlsVerifier,
};

/// The only suite that every server of TLS 1.3 has to have (RFC 8446 9.1).
pub(crate) type Suite = Aes128GcmSha256;

/// Room for the server's certificate; those of P-256 take 400 to 1,000 bytes.
const CERTIFICATE_MAX: usize = 2048;

/// Whom to believe that it is the server.
#[derive(Clone, Copy, Debug)]
pub enum Trust<'a> {
    /// A server with a certificate for its name that was issued by this one (X.509, DER, ECDSA on P-256). A chain with
    /// others in between is refused: nothing here checks who of them may issue.
    Issuer(&'a [u8]),
    /// Anybody. Whoever sits between client and server can read and change everything: for trials alone.
    Anybody,
}

/// Randomness and trust for one handshake. `C` is the clock that certificates are dated by;
/// [`NoClock`](embedded_tls::NoClock): they never expire.
pub(crate) struct Provider<'a, R, C: TlsClock> {
    rng: R,
    verifier: Option<Strict<'a, C>>,
}

impl<'a, R, C: TlsClock> Provider<'a, R, C> {
    pub(crate) fn new(rng: R, trust: Trust<'a>) -> Self {
        let verifier = match trust {
            Trust::Issuer(issuer) => Some(Strict {
                inner: CertVerifier::new(Certificate::X509(issuer)),
                has_certificate: false,
                has_signature: false,
            }),
            Trust::Anybody => None,
        };
        Self { rng, verifier }
    }

    /// The server is who it has to be. To be asked behind the handshake: one that shows no certificate has passed no check.
    pub(crate) fn is_content(&self) -> bool {
        self.verifier.as_ref().is_none_or(|verifier| verifier.has_certificate && verifier.has_signature)
    }
}

impl<R: CryptoRngCore, C: TlsClock> CryptoProvider for Provider<'_, R, C> {
    type CipherSuite = Suite;
    type Signature = [u8; 0];

    fn rng(&mut self) -> impl CryptoRngCore {
        &mut self.rng
    }

    fn verifier(&mut self) -> Result<&mut impl TlsVerifier<Suite>, TlsError> {
        self.verifier.as_mut().ok_or(TlsError::Unimplemented)
    }
}

/// One certificate, then one signature with its key, and nothing else (RFC 8446 4.4).
pub(crate) struct Strict<'a, C: TlsClock> {
    inner: CertVerifier<'a, Suite, C, CERTIFICATE_MAX>,
    has_certificate: bool,
    has_signature: bool,
}

impl<C: TlsClock> TlsVerifier<Suite> for Strict<'_, C> {
    fn set_hostname_verification(&mut self, name: &str) -> Result<(), TlsError> {
        self.inner.set_hostname_verification(name)
    }

    fn verify_certificate(
        &mut self,
        transcript: &Sha256,
        certificate: CertificateRef<'_>,
    ) -> Result<(), TlsError> {
        if self.has_certificate || certificate.entries.len() != 1 {
            return Err(TlsError::InvalidCertificate);
        }
        self.inner.verify_certificate(transcript, certificate)?;
        self.has_certificate = true;
        Ok(())
    }

    fn verify_signature(&mut self, signature: CertificateVerifyRef<'_>) -> Result<(), TlsError> {
        if !self.has_certificate || self.has_signature {
            return Err(TlsError::InvalidSignature);
        }
        self.inner.verify_signature(signature)?;
        self.has_signature = true;
        Ok(())
    }
}
