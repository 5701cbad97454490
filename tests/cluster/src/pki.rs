//! Certificates and kubeconfigs of a node, made anew for each one.

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType,
};
use std::fs;
use std::net::IpAddr;
use std::path::Path;

/// Address of the node.
pub(crate) const NODE_ADDRESS: &str = "10.250.0.1";
/// Address of the API server inside the cluster.
const SERVICE_ADDRESS: &str = "10.96.0.1";

struct Authority {
    issuer: Issuer<'static, KeyPair>,
}

/// Writes everything that the components need into `folder`.
pub(crate) fn write(folder: &Path) -> Result<()> {
    let cluster = Authority::new(folder, "ca", "kubernetes-ca")?;
    let front = Authority::new(folder, "front-ca", "front-proxy-ca")?;
    let names = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "localhost"];
    let names = names.iter().copied().chain(["kubernetes.default.svc.cluster.local"]);
    let addresses = [SERVICE_ADDRESS, "127.0.0.1", NODE_ADDRESS];
    cluster.serving(folder, "apiserver", ("kube-apiserver", None), names, &addresses)?;
    let kubelet = ("system:node:node1", Some("system:nodes"));
    cluster.serving(folder, "kubelet-serving", kubelet, ["node1"].into_iter(), &addresses[1..])?;
    for (name, common, group) in [
        ("apiserver-kubelet-client", "kube-apiserver-kubelet-client", Some("system:masters")),
        ("admin", "admin", Some("system:masters")),
        ("kube-controller-manager", "system:kube-controller-manager", None),
        ("kube-scheduler", "system:kube-scheduler", None),
        ("kubelet", "system:node:node1", Some("system:nodes")),
        ("kube-proxy", "system:kube-proxy", None),
    ] {
        cluster.client(folder, name, (common, group))?;
        fs::write(folder.join(format!("{name}.kubeconfig")), kubeconfig(folder, name)?)?;
    }
    front.client(folder, "front-proxy", ("front-proxy-client", None))?;
    let accounts = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    fs::write(folder.join("accounts.key"), accounts.serialize_pem())?;
    fs::write(folder.join("accounts.pub"), accounts.public_key_pem())?;
    Ok(())
}

fn params((common, group): (&str, Option<&str>)) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common);
    if let Some(group) = group {
        params.distinguished_name.push(DnType::OrganizationName, group);
    }
    params.not_before = time::OffsetDateTime::now_utc() - time::Duration::days(1);
    params.not_after = params.not_before + time::Duration::days(3650);
    params
}

impl Authority {
    fn new(folder: &Path, name: &str, common: &str) -> Result<Self> {
        let mut params = params((common, None));
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        fs::write(folder.join(format!("{name}.crt")), params.self_signed(&key)?.pem())?;
        fs::write(folder.join(format!("{name}.key")), key.serialize_pem())?;
        Ok(Self { issuer: Issuer::new(params, key) })
    }

    fn sign(&self, folder: &Path, name: &str, params: &CertificateParams) -> Result<()> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let certificate = params.signed_by(&key, &self.issuer).with_context(|| name.to_owned())?;
        fs::write(folder.join(format!("{name}.crt")), certificate.pem())?;
        fs::write(folder.join(format!("{name}.key")), key.serialize_pem())?;
        Ok(())
    }

    fn client(&self, folder: &Path, name: &str, subject: (&str, Option<&str>)) -> Result<()> {
        let mut params = params(subject);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(folder, name, &params)
    }

    fn serving<'a>(
        &self,
        folder: &Path,
        name: &str,
        subject: (&str, Option<&str>),
        names: impl Iterator<Item = &'a str>,
        addresses: &[&str],
    ) -> Result<()> {
        let mut params = params(subject);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        for name in names {
            params.subject_alt_names.push(SanType::DnsName(name.try_into()?));
        }
        for address in addresses {
            params.subject_alt_names.push(SanType::IpAddress(address.parse::<IpAddr>()?));
        }
        self.sign(folder, name, &params)
    }
}

/// A kubeconfig whose context is called `test`; it names its files, so no key stands in it.
fn kubeconfig(folder: &Path, name: &str) -> Result<String> {
    let file = |name: &str| folder.join(name).display().to_string();
    let config = serde_json::json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": {
            "server": format!("https://{NODE_ADDRESS}:6443"),
            "certificate-authority": file("ca.crt"),
        }}],
        "users": [{"name": "test", "user": {
            "client-certificate": file(&format!("{name}.crt")),
            "client-key": file(&format!("{name}.key")),
        }}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "current-context": "test",
    });
    Ok(serde_json::to_string_pretty(&config)?)
}
