# What applications stand on: an environment is a namespace with limits, rules for who may talk to
# it, and a role for the people who release there. Argo CD gets a project that names what it may do.

locals {
  part_of = { "app.kubernetes.io/part-of" = "platform" }
}

resource "kubectl_manifest" "namespace" {
  for_each = var.environments

  yaml_body = yamlencode({
    apiVersion = "v1"
    kind       = "Namespace"
    metadata = {
      name = each.key
      labels = merge(local.part_of, {
        "environment"                        = each.key
        "pod-security.kubernetes.io/enforce" = "restricted"
      })
    }
  })
}

resource "kubectl_manifest" "quota" {
  for_each   = var.environments
  depends_on = [kubectl_manifest.namespace]

  yaml_body = yamlencode({
    apiVersion = "v1"
    kind       = "ResourceQuota"
    metadata   = { name = "platform", namespace = each.key, labels = local.part_of }
    spec = {
      hard = {
        "pods"            = tostring(each.value.pods)
        "requests.cpu"    = each.value.cpu
        "requests.memory" = each.value.memory
      }
    }
  })
}

# Traffic comes by the ingress, and Prometheus reads the metrics; nobody else has business there.
resource "kubectl_manifest" "network_policy" {
  for_each   = var.environments
  depends_on = [kubectl_manifest.namespace]

  yaml_body = yamlencode({
    apiVersion = "networking.k8s.io/v1"
    kind       = "NetworkPolicy"
    metadata   = { name = "platform", namespace = each.key, labels = local.part_of }
    spec = {
      podSelector = {}
      policyTypes = ["Ingress"]
      ingress = [{
        from = [for name in ["ingress", "monitoring"] : {
          namespaceSelector = { matchLabels = { "kubernetes.io/metadata.name" = name } }
        }]
      }]
    }
  })
}

# Enough to watch a release, to promote it and to take it back, and no more.
resource "kubectl_manifest" "release_role" {
  yaml_body = yamlencode({
    apiVersion = "rbac.authorization.k8s.io/v1"
    kind       = "ClusterRole"
    metadata   = { name = "platform-release", labels = local.part_of }
    rules = [
      {
        apiGroups = ["argoproj.io"]
        resources = ["analysisruns", "analysistemplates", "rollouts"]
        verbs     = ["get", "list", "watch"]
      },
      {
        apiGroups = ["argoproj.io"]
        resources = ["rollouts", "rollouts/status"]
        verbs     = ["patch"]
      },
      {
        apiGroups = ["", "apps"]
        resources = ["events", "pods", "pods/log", "replicasets", "services"]
        verbs     = ["get", "list", "watch"]
      },
    ]
  })
}

resource "kubectl_manifest" "release_binding" {
  for_each   = var.environments
  depends_on = [kubectl_manifest.namespace]

  yaml_body = yamlencode({
    apiVersion = "rbac.authorization.k8s.io/v1"
    kind       = "RoleBinding"
    metadata   = { name = "platform-release", namespace = each.key, labels = local.part_of }
    roleRef = {
      apiGroup = "rbac.authorization.k8s.io"
      kind     = "ClusterRole"
      name     = "platform-release"
    }
    subjects = [{
      apiGroup = "rbac.authorization.k8s.io"
      kind     = "Group"
      name     = var.release_group
    }]
  })
}

# The project stands as a file too, for those who set up Argo CD by hand.
resource "kubectl_manifest" "project" {
  yaml_body = templatefile("${path.module}/../../argocd/projects/platform.yaml.tftpl", {
    repository   = var.repository
    applications = sort(tolist(var.applications))
    environments = sort(keys(var.environments))
    group        = var.release_group
  })
}
