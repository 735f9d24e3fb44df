//! Who is trusted, in one place for whatever sends.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls_platform_verifier::Verifier;

use super::Options;

/// How a certificate begins in PEM (RFC 7468).
const CERTIFICATE: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// What is offered in the handshake, the best first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// The system's certificates and the further root; on this machine the further root alone.
pub(super) fn config(options: &Options) -> anyhow::Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let roots = options.ca_pem.as_deref().map(roots).transpose()?.unwrap_or_default();
    let builder =
        ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let mut config = if options.loopback {
        let mut store = RootCertStore::empty();
        roots.into_iter().try_for_each(|root| store.add(root))?;
        builder.with_root_certificates(store).with_no_client_auth()
    } else {
        let verifier = Arc::new(platform(roots, provider)?);
        builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()
    };
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    Ok(config)
}

fn platform(
    roots: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
) -> Result<Verifier, rustls::Error> {
    if roots.is_empty() {
        return Verifier::new(provider);
    }
    Verifier::new_with_extra_roots(roots, provider)
}

fn roots(pem: &[u8]) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    if !pem.windows(CERTIFICATE.len()).any(|part| part == CERTIFICATE) {
        anyhow::bail!("the file of the further root holds no certificate in PEM");
    }
    let roots = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>();
    roots.map_err(|_| anyhow::anyhow!("a certificate in the file of the further root cannot be read"))
}
