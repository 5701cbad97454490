//! Servers with certificates.

use super::server::{read, reply, runtime, success};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use std::net::TcpListener;
use std::sync::Arc;
use taskmaster::deliver::metrics::{BadSettings, Prometheus, QueryError, Settings};
use taskmaster_delivery::analysis::answer::Answer;
use zeroize::Zeroizing;

/// A server whose certificate nobody knows: its address, and the certificate as PEM.
fn server() -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        )
        .unwrap();
    let (config, listener) = (Arc::new(config), TcpListener::bind("127.0.0.1:0").unwrap());
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = rustls::StreamOwned::new(connection, stream.unwrap());
            while read(&mut stream).is_some() {
                reply(&mut stream, 200, "", &success("scalar", r#"[1,"1"]"#));
            }
        }
    });
    (url, certificate.pem())
}

#[test]
fn a_certificate_is_trusted_where_its_file_is_given_and_only_there() {
    let (url, pem) = server();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, pem).unwrap();
    let settings = Settings { url: Zeroizing::new(url), retries: 0, ..Settings::default() };
    let ask = |settings: &Settings| runtime().block_on(Prometheus::new(settings).unwrap().query("x", None));
    let fault = ask(&settings).unwrap_err();
    assert!(matches!(fault, QueryError::Unreachable(_)), "{fault}");
    let trusting = Settings { ca: Some(file.clone()), ..settings };
    assert_eq!(ask(&trusting).unwrap().answer, Answer::Scalar(1.0));
    std::fs::write(&file, "no certificate").unwrap();
    let empty = Prometheus::new(&trusting).unwrap_err();
    assert!(matches!(empty, BadSettings::Certificates { .. }), "{empty}");
}
