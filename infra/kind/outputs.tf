output "context" {
  description = "Context of the kubeconfig that kind writes"
  value       = "kind-${kind_cluster.platform.name}"
}
