//! Configuration files of the node's programs, as text.

use super::layout::Layout;
use crate::pki::NODE_ADDRESS;
use anyhow::Result;
use serde_json::{Value, json};
use std::fs;

/// Addresses of pods.
pub(super) const PODS: &str = "10.244.0.0/16";
/// Addresses of services.
pub(super) const SERVICES: &str = "10.96.0.0/16";
/// Address of the cluster's name server.
const NAMES: &str = "10.96.0.10";
/// What holds a pod's namespaces.
pub(crate) const PAUSE: &str = "registry.k8s.io/pause:3.10";

/// Writes all of them.
pub(super) fn write(layout: &Layout) -> Result<()> {
    let config = &layout.config;
    fs::write(config.join("containerd.toml"), containerd(layout))?;
    fs::write(config.join("kubelet.json"), kubelet(layout).to_string())?;
    fs::write(config.join("kube-proxy.json"), kube_proxy(layout).to_string())?;
    fs::create_dir_all(config.join("cni"))?;
    fs::write(config.join("cni/10-bridge.conflist"), network().to_string())?;
    fs::write(config.join("resolv.conf"), "nameserver 127.0.0.1\n")?;
    Ok(())
}

/// Without CAP_SYS_RESOURCE a score below our own cannot be set, and without systemd its cgroup
/// driver cannot be asked.
fn containerd(layout: &Layout) -> String {
    let Layout { containerd, state, config, debian, sockets, .. } = layout;
    format!(
        r#"version = 2
root = "{root}"
state = "{state}"
[grpc]
  address = "{socket}"
[plugins."io.containerd.internal.v1.opt"]
  path = "{opt}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{cni}"
    conf_dir = "{networks}"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
      BinaryName = "{runc}"
"#,
        root = containerd.display(),
        state = state.display(),
        socket = layout.socket().display(),
        opt = sockets.join("opt").display(),
        cni = debian.join("usr/lib/cni").display(),
        networks = config.join("cni").display(),
        runc = debian.join("usr/sbin/runc").display(),
    )
}

fn kubelet(layout: &Layout) -> Value {
    json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": false},
            "webhook": {"enabled": true},
            "x509": {"clientCAFile": layout.pki.join("ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": layout.pki.join("kubelet-serving.crt"),
        "tlsPrivateKeyFile": layout.pki.join("kubelet-serving.key"),
        "cgroupDriver": "cgroupfs",
        "failCgroupV1": false,
        "failSwapOn": false,
        "clusterDNS": [NAMES],
        "clusterDomain": "cluster.local",
        "resolvConf": layout.config.join("resolv.conf"),
        "containerRuntimeEndpoint": format!("unix://{}", layout.socket().display()),
        "podLogsDir": layout.pods,
        // The machine's disk is nobody's business here.
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "0%",
            "imagefs.available": "0%",
            "nodefs.inodesFree": "0%",
        },
        "serializeImagePulls": false,
        "nodeStatusUpdateFrequency": "5s",
        "maxPods": 200,
    })
}

/// Values of connection tracking belong to the machine, and may not be written from here.
fn kube_proxy(layout: &Layout) -> Value {
    json!({
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": layout.pki.join("kube-proxy.kubeconfig")},
        "mode": "nftables",
        "clusterCIDR": PODS,
        "hostnameOverride": "node1",
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    })
}

fn network() -> Value {
    json!({
        "cniVersion": "1.0.0",
        "name": "pods",
        "plugins": [
            {
                "type": "bridge",
                "bridge": "cni0",
                "isGateway": true,
                "ipMasq": true,
                "hairpinMode": true,
                "ipam": {
                    "type": "host-local",
                    "ranges": [[{"subnet": PODS}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            },
            {"type": "portmap", "capabilities": {"portMappings": true}},
        ],
    })
}

/// Address of the node, for those who ask.
pub(super) fn address() -> &'static str {
    NODE_ADDRESS
}
