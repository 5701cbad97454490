output "project" {
  description = "Project of Argo CD that the applications belong to"
  value       = kubectl_manifest.project.name
}

output "environments" {
  description = "Namespaces of the environments"
  value       = sort([for namespace in kubectl_manifest.namespace : namespace.name])
}
