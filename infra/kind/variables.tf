variable "name" {
  description = "Name of the cluster; its kubectl context is called kind- and this name"
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

variable "ingress_port" {
  description = "Port of this machine that leads to the ingress"
  type        = number
  default     = 80

  validation {
    condition     = var.ingress_port >= 1 && var.ingress_port <= 65535
    error_message = "A port is a number from 1 to 65535."
  }
}
