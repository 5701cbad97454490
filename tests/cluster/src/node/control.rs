//! Command lines of the control plane and of the node's agents: pure.

use super::config::{SERVICES, address};
use super::layout::Layout;

/// A program that runs as long as the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Program {
    /// Names its log.
    pub(super) name: &'static str,
    pub(super) argv: Vec<String>,
}

fn kube(layout: &Layout, name: &'static str, flags: Vec<String>) -> Program {
    let mut argv = vec![layout.bin.join("kube").display().to_string(), name.to_owned()];
    argv.extend(flags);
    Program { name, argv }
}

fn flag(name: &str, value: impl std::fmt::Display) -> String {
    format!("--{name}={value}")
}

pub(super) fn containerd(layout: &Layout) -> Program {
    let program = layout.debian.join("usr/bin/containerd").display().to_string();
    let config = layout.config.join("containerd.toml").display().to_string();
    Program { name: "containerd", argv: vec![program, "--config".to_owned(), config] }
}

/// Its data are thrown away with the node: nothing is synchronised.
pub(super) fn etcd(layout: &Layout) -> Program {
    let flags = vec![
        flag("data-dir", layout.etcd.display()),
        flag("listen-client-urls", "http://127.0.0.1:2379"),
        flag("advertise-client-urls", "http://127.0.0.1:2379"),
        flag("listen-peer-urls", "http://127.0.0.1:2380"),
        "--unsafe-no-fsync".to_owned(),
    ];
    kube(layout, "etcd", flags)
}

pub(super) fn apiserver(layout: &Layout) -> Program {
    let file = |name: &str| layout.pki.join(name).display().to_string();
    let flags = vec![
        flag("etcd-servers", "http://127.0.0.1:2379"),
        flag("service-cluster-ip-range", SERVICES),
        flag("secure-port", 6443),
        flag("advertise-address", address()),
        flag("tls-cert-file", file("apiserver.crt")),
        flag("tls-private-key-file", file("apiserver.key")),
        flag("client-ca-file", file("ca.crt")),
        flag("service-account-key-file", file("accounts.pub")),
        flag("service-account-signing-key-file", file("accounts.key")),
        flag("service-account-issuer", "https://kubernetes.default.svc.cluster.local"),
        flag("authorization-mode", "Node,RBAC"),
        flag("enable-admission-plugins", "NodeRestriction"),
        flag("allow-privileged", true),
        flag("kubelet-client-certificate", file("apiserver-kubelet-client.crt")),
        flag("kubelet-client-key", file("apiserver-kubelet-client.key")),
        flag("kubelet-certificate-authority", file("ca.crt")),
        flag("kubelet-preferred-address-types", "InternalIP"),
        flag("requestheader-client-ca-file", file("front-ca.crt")),
        flag("requestheader-allowed-names", "front-proxy-client"),
        flag("requestheader-extra-headers-prefix", "X-Remote-Extra-"),
        flag("requestheader-group-headers", "X-Remote-Group"),
        flag("requestheader-username-headers", "X-Remote-User"),
        flag("proxy-client-cert-file", file("front-proxy.crt")),
        flag("proxy-client-key-file", file("front-proxy.key")),
    ];
    kube(layout, "kube-apiserver", flags)
}

/// To be started when the API server has made its roles: this program ends without them.
pub(super) fn controllers(layout: &Layout) -> Program {
    let file = |name: &str| layout.pki.join(name).display().to_string();
    let config = file("kube-controller-manager.kubeconfig");
    let flags = vec![
        flag("kubeconfig", &config),
        flag("authentication-kubeconfig", &config),
        flag("authorization-kubeconfig", &config),
        flag("service-account-private-key-file", file("accounts.key")),
        flag("root-ca-file", file("ca.crt")),
        flag("cluster-signing-cert-file", file("ca.crt")),
        flag("cluster-signing-key-file", file("ca.key")),
        flag("use-service-account-credentials", true),
        flag("leader-elect", false),
        // With the defaults the first service account of a namespace takes seconds.
        flag("kube-api-qps", 300),
        flag("kube-api-burst", 600),
    ];
    kube(layout, "kube-controller-manager", flags)
}

pub(super) fn scheduler(layout: &Layout) -> Program {
    let config = layout.pki.join("kube-scheduler.kubeconfig").display().to_string();
    let flags = vec![
        flag("kubeconfig", &config),
        flag("authentication-kubeconfig", &config),
        flag("authorization-kubeconfig", &config),
        flag("leader-elect", false),
    ];
    kube(layout, "kube-scheduler", flags)
}

pub(super) fn kubelet(layout: &Layout) -> Program {
    let flags = vec![
        flag("config", layout.config.join("kubelet.json").display()),
        flag("kubeconfig", layout.pki.join("kubelet.kubeconfig").display()),
        flag("root-dir", layout.kubelet.display()),
        flag("hostname-override", "node1"),
        flag("node-ip", address()),
    ];
    kube(layout, "kubelet", flags)
}

pub(super) fn proxy(layout: &Layout) -> Program {
    let config = layout.config.join("kube-proxy.json");
    kube(layout, "kube-proxy", vec![flag("config", config.display())])
}
