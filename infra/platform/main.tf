# What applications stand on: an environment is a namespace with limits, rules for who may talk to
# it, and a role for the people who release there. Argo CD gets a project that names what it may do.

locals {
  part_of = { "app.kubernetes.io/part-of" = "platform" }
  taskmaster = {
    apiGroup = "rbac.authorization.k8s.io"
    kind     = "Group"
    name     = "taskmaster"
  }
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
        ports = [{ port = "http" }]
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

# What a run of taskmaster needs to drive rollouts and to wait for them: their verbs are patches of the
# rollout, a restart and a way back look at its replica sets. It neither creates nor deletes.
resource "kubectl_manifest" "taskmaster_role" {
  yaml_body = yamlencode({
    apiVersion = "rbac.authorization.k8s.io/v1"
    kind       = "ClusterRole"
    metadata   = { name = "platform-taskmaster", labels = local.part_of }
    rules = [
      {
        apiGroups = ["argoproj.io"]
        resources = ["analysisruns", "rollouts"]
        verbs     = ["get", "list", "watch"]
      },
      {
        apiGroups = ["argoproj.io"]
        resources = ["rollouts", "rollouts/status"]
        verbs     = ["patch"]
      },
      {
        apiGroups = ["", "apps"]
        resources = ["events", "pods", "replicasets"]
        verbs     = ["get", "list", "watch"]
      },
    ]
  })
}

# The namespaces of the applications bind it themselves (k8s/*/namespace.yaml): they come later.
resource "kubectl_manifest" "taskmaster_binding" {
  for_each   = var.environments
  depends_on = [kubectl_manifest.namespace]

  yaml_body = yamlencode({
    apiVersion = "rbac.authorization.k8s.io/v1"
    kind       = "RoleBinding"
    metadata   = { name = "platform-taskmaster", namespace = each.key, labels = local.part_of }
    roleRef = {
      apiGroup = "rbac.authorization.k8s.io"
      kind     = "ClusterRole"
      name     = "platform-taskmaster"
    }
    subjects = [local.taskmaster]
  })
}

# Applications are looked at where Argo CD keeps them.
resource "kubectl_manifest" "taskmaster_applications" {
  yaml_body = yamlencode({
    apiVersion = "rbac.authorization.k8s.io/v1"
    kind       = "Role"
    metadata   = { name = "platform-taskmaster", namespace = "argocd", labels = local.part_of }
    rules = [{
      apiGroups = ["argoproj.io"]
      resources = ["applications"]
      verbs     = ["get", "list", "watch"]
    }]
  })
}

resource "kubectl_manifest" "taskmaster_applications_binding" {
  yaml_body = yamlencode({
    apiVersion = "rbac.authorization.k8s.io/v1"
    kind       = "RoleBinding"
    metadata   = { name = "platform-taskmaster", namespace = "argocd", labels = local.part_of }
    roleRef = {
      apiGroup = "rbac.authorization.k8s.io"
      kind     = "Role"
      name     = "platform-taskmaster"
    }
    subjects = [local.taskmaster]
  })
}

# The project stands as a file too, for those who set up Argo CD by hand.
resource "kubectl_manifest" "project" {
  yaml_body = templatefile("${path.module}/../../argocd/projects/platform.yaml.tftpl", {
    repository   = var.repository
    applications = sort(tolist(var.applications))
    environments = sort(keys(var.environments))
    group        = var.release_group
    viewers      = var.viewer_group
    sync_windows = var.sync_windows
  })
}

# Only where the repository holds argocd/ too; elsewhere the applications are installed by Helm.
resource "kubectl_manifest" "app_of_apps" {
  count      = var.app_of_apps ? 1 : 0
  depends_on = [kubectl_manifest.project]

  yaml_body = templatefile("${path.module}/../../argocd/app-of-apps.yaml.tftpl", {
    repository   = var.repository
    environments = { for name in keys(var.environments) : name => name == "prod" }
  })
}
