terraform {
  required_version = ">= 1.7"

  required_providers {
    kind = {
      source  = "tehcyx/kind"
      version = "~> 0.9"
    }
  }

  backend "local" {}
}

provider "kind" {}
