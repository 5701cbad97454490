variable "kubeconfig" {
  description = "Files of the kubeconfig, with colons between them"
  type        = string
  default     = "~/.kube/config"
}

variable "context" {
  description = "Context of the kubeconfig that leads to the cluster"
  type        = string
}

variable "repository" {
  description = "Git repository that applications of the platform may come from"
  type        = string
}

variable "applications" {
  description = "Namespaces of the applications, which Argo CD may deliver to"
  type        = set(string)
  default     = ["blue-green", "canary"]
}

variable "environments" {
  description = "Namespaces of the environments, and what each may use"
  type = map(object({
    pods   = number
    cpu    = string
    memory = string
  }))
  default = {
    dev     = { pods = 10, cpu = "500m", memory = "512Mi" }
    staging = { pods = 20, cpu = "1", memory = "1Gi" }
    prod    = { pods = 40, cpu = "2", memory = "2Gi" }
  }

  validation {
    condition     = alltrue([for name in keys(var.environments) : can(regex("^[a-z]([a-z0-9-]*[a-z0-9])?$", name))])
    error_message = "An environment is named like a namespace: lower case letters, digits and dashes."
  }

  validation {
    condition     = alltrue([for limits in values(var.environments) : limits.pods > 0])
    error_message = "An environment without pods is of no use."
  }
}

variable "release_group" {
  description = "Group of the people who promote and abort releases"
  type        = string
  default     = "release-engineering"
}

variable "viewer_group" {
  description = "Group of the people who may look at the applications"
  type        = string
  default     = "engineering"
}

variable "sync_windows" {
  description = "Environments that Argo CD changes by itself only at certain times: from when on (cron), for how long"
  type = map(object({
    schedule  = string
    duration  = string
    time_zone = optional(string, "UTC")
  }))
  default = {
    prod = { schedule = "0 9 * * 1-5", duration = "8h" }
  }
}

variable "app_of_apps" {
  description = "Whether an application of Argo CD makes the others from argocd/applications in the repository"
  type        = bool
  default     = false
}
