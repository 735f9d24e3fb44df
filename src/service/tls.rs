//! Owns the certificates: ours, and whose client certificates are believed.
//!
//! One invariant: a private key that others can read is not used.

use std::fs::Permissions;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig};

use super::settings::Misconfigured;
use crate::domain::secret::Secret;
use crate::files;

/// TLS 1.2 and 1.3 with this certificate and key, and HTTP/1.1 behind it.
pub(super) fn config(
    certificate: &Path,
    key: &Path,
    client_ca: Option<&Path>,
) -> Result<Arc<ServerConfig>, Misconfigured> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|_| Misconfigured::new("serve.tls_key", "finds no version of TLS"))?;
    let builder = match client_ca {
        Some(path) => builder.with_client_cert_verifier(verifier(path, provider)?),
        None => builder.with_no_client_auth(),
    };
    let chain = certificates("serve.tls_certificate", certificate)?;
    let mut config = builder
        .with_single_cert(chain, private_key(key)?)
        .map_err(|_| Misconfigured::new("serve.tls_key", "does not fit serve.tls_certificate"))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Believes whoever shows a certificate of this authority. Who shows none may go on: a key says as much,
/// and who has neither is told so in words.
fn verifier(
    path: &Path,
    provider: Arc<rustls::crypto::CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, Misconfigured> {
    let wrong = |why: &str| Misconfigured::new("serve.client_ca", why);
    let mut roots = RootCertStore::empty();
    for certificate in certificates("serve.client_ca", path)? {
        roots.add(certificate).map_err(|_| wrong("holds what is no certificate of an authority"))?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .allow_unauthenticated()
        .build()
        .map_err(|_| wrong("holds no certificate of an authority"))
}

fn certificates(key: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, Misconfigured> {
    let bytes = files::read(path).map_err(|error| unreadable(key, &error))?;
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match read {
        Ok(read) if !read.is_empty() => Ok(read),
        _ => Err(Misconfigured::new(key, "holds no certificate in PEM")),
    }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, Misconfigured> {
    let wrong = |why: &str| Misconfigured::new("serve.tls_key", why);
    let mut file = files::open_read(path).map_err(|error| unreadable("serve.tls_key", &error))?;
    let permissions = file.metadata().map_err(|error| unreadable("serve.tls_key", &error))?.permissions();
    if Permissions::mode(&permissions) & 0o077 != 0 {
        return Err(wrong("can be read by others than its owner (chmod 600)"));
    }
    let mut pem = String::new();
    file.read_to_string(&mut pem).map_err(|error| unreadable("serve.tls_key", &error))?;
    let pem = Secret::new(pem);
    PrivateKeyDer::from_pem_slice(pem.expose().as_bytes()).map_err(|_| wrong("holds no private key in PEM"))
}

fn unreadable(key: &str, error: &std::io::Error) -> Misconfigured {
    Misconfigured::new(key, format!("cannot be read: {}", error.kind()))
}
