# Asked of the plan, with a provider that touches no cluster.
mock_provider "kubectl" {}

variables {
  context    = "test"
  repository = "https://git.example.invalid/platform/gitops.git"
}

run "every_environment_has_limits_rules_and_a_role" {
  command = plan

  assert {
    condition     = keys(kubectl_manifest.namespace) == ["dev", "prod", "staging"]
    error_message = "dev, staging and prod are namespaces"
  }
  assert {
    condition = alltrue([for resources in [kubectl_manifest.quota, kubectl_manifest.network_policy, kubectl_manifest.release_binding] :
    keys(resources) == keys(kubectl_manifest.namespace)])
    error_message = "a namespace lacks its quota, its network policy or its role"
  }
  assert {
    condition     = yamldecode(kubectl_manifest.namespace["prod"].yaml_body).metadata.labels["pod-security.kubernetes.io/enforce"] == "restricted"
    error_message = "pods of production are restricted"
  }
}

run "the_project_takes_applications_from_one_repository_alone" {
  command = plan

  assert {
    condition     = yamldecode(kubectl_manifest.project.yaml_body).spec.sourceRepos == [var.repository]
    error_message = "the project allows other repositories"
  }
  assert {
    condition     = !contains([for d in yamldecode(kubectl_manifest.project.yaml_body).spec.destinations : d.namespace], "kube-system")
    error_message = "the project reaches too far"
  }
  assert {
    condition     = toset([for d in yamldecode(kubectl_manifest.project.yaml_body).spec.destinations : d.namespace]) == toset(["argocd", "blue-green", "canary", "dev", "prod", "staging"])
    error_message = "the project does not reach every namespace of the platform"
  }
  assert {
    condition     = length(yamldecode(kubectl_manifest.project.yaml_body).spec.clusterResourceWhitelist) == 0
    error_message = "an application may change the cluster"
  }
}

run "another_environment_is_one_more_line" {
  command = plan

  variables {
    environments = { demo = { pods = 3, cpu = "100m", memory = "128Mi" } }
  }
  assert {
    condition     = yamldecode(kubectl_manifest.quota["demo"].yaml_body).spec.hard.pods == "3"
    error_message = "the quota is not the one that was asked for"
  }
}

run "a_name_that_no_namespace_can_have_is_refused" {
  command = plan

  variables {
    environments = { "Prod 1" = { pods = 1, cpu = "1", memory = "1Gi" } }
  }
  expect_failures = [var.environments]
}
