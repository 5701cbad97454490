# One node that does everything, with the port of the ingress mapped to this machine.
resource "kind_cluster" "platform" {
  name           = var.name
  node_image     = var.node_image
  wait_for_ready = true

  kind_config {
    kind        = "Cluster"
    api_version = "kind.x-k8s.io/v1alpha4"

    node {
      role = "control-plane"

      extra_port_mappings {
        container_port = 80
        host_port      = var.ingress_port
        listen_address = "127.0.0.1"
      }
    }
  }
}
