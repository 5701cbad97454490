# The cluster as a description: what `kind create cluster` is given. Only what is built into
# Terraform is used, so this can be planned and applied without a network and without Docker; a
# module that really creates the cluster takes the same variables.

terraform {
  required_version = ">= 1.4"

  backend "local" {}
}

variable "name" {
  description = "Name of the cluster, and of its kubectl context after kind-"
  type        = string
  default     = "platform"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,30}$", var.name))
    error_message = "The name must be lower case, begin with a letter and have at most 31 characters."
  }
}

variable "node_image" {
  description = "Image of the node; a site without network points it at its own registry"
  type        = string
  default     = "kindest/node:v1.34.0"
}

variable "ingress_ports" {
  description = "Ports of this machine that lead to the ingress controller, by name"
  type        = map(number)
  default     = { http = 80, https = 443 }

  validation {
    condition     = alltrue([for port in values(var.ingress_ports) : port >= 1 && port <= 65535])
    error_message = "A port is a number from 1 to 65535."
  }
}

locals {
  config = {
    kind       = "Cluster"
    apiVersion = "kind.x-k8s.io/v1alpha4"
    name       = var.name
    nodes = [{
      role  = "control-plane"
      image = var.node_image
      labels = {
        "ingress-ready" = "true"
      }
      extraPortMappings = [for name in sort(keys(var.ingress_ports)) : {
        containerPort = var.ingress_ports[name]
        hostPort      = var.ingress_ports[name]
        listenAddress = "127.0.0.1"
      }]
    }]
  }
}

resource "terraform_data" "cluster" {
  input = local.config
}

output "name" {
  description = "Name of the cluster"
  value       = terraform_data.cluster.output.name
}

output "context" {
  description = "Context of the kubeconfig that kind will write"
  value       = "kind-${terraform_data.cluster.output.name}"
}

output "kind_config" {
  description = "What kind reads"
  value       = yamlencode(terraform_data.cluster.output)
}
