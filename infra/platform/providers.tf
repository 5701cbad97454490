terraform {
  required_version = ">= 1.7"

  required_providers {
    kubectl = {
      source  = "gavinbunney/kubectl"
      version = "~> 1.19"
    }
  }

  backend "local" {}
}

provider "kubectl" {
  # Several files as in KUBECONFIG, with colons between them.
  config_paths     = var.kubeconfig == "" ? null : split(":", var.kubeconfig)
  config_context   = var.context
  load_config_file = true
}
