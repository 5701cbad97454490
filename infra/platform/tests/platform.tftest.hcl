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

run "an_environment_is_reached_by_the_ingress_and_prometheus_alone" {
  command = plan

  assert {
    condition = alltrue([for policy in kubectl_manifest.network_policy : yamldecode(policy.yaml_body).spec == {
      podSelector = {}
      policyTypes = ["Ingress"]
      ingress = [{
        from  = [for name in ["ingress", "monitoring"] : { namespaceSelector = { matchLabels = { "kubernetes.io/metadata.name" = name } } }]
        ports = [{ port = "http" }]
      }]
    }])
    error_message = "somebody else may talk to an environment, or to another port"
  }
}

run "production_is_changed_in_working_hours_and_nothing_else_waits_for_them" {
  command = plan

  assert {
    condition     = [for w in yamldecode(kubectl_manifest.project.yaml_body).spec.syncWindows : [w.kind, w.namespaces, w.manualSync]] == [["allow", ["prod"], true]]
    error_message = "the window is not one of prod alone that people may pass"
  }
}

run "a_site_without_windows" {
  command = plan

  variables {
    sync_windows = {}
  }
  assert {
    condition     = !contains(keys(yamldecode(kubectl_manifest.project.yaml_body).spec), "syncWindows")
    error_message = "there is a window that nobody asked for"
  }
}

run "taskmaster_patches_rollouts_and_looks_at_the_rest" {
  command = plan

  assert {
    condition = alltrue(flatten([for manifest in [kubectl_manifest.taskmaster_role, kubectl_manifest.taskmaster_applications] : [
      for rule in yamldecode(manifest.yaml_body).rules : length(setsubtract(rule.verbs, ["get", "list", "watch"])) == 0 || rule == {
        apiGroups = ["argoproj.io"]
        resources = ["rollouts", "rollouts/status"]
        verbs     = ["patch"]
      }
    ]]))
    error_message = "taskmaster may change more than rollouts"
  }
  assert {
    condition     = keys(kubectl_manifest.taskmaster_binding) == keys(kubectl_manifest.namespace)
    error_message = "taskmaster is not bound in every environment"
  }
}

run "the_app_of_apps_is_a_choice" {
  command = plan

  assert {
    condition     = length(kubectl_manifest.app_of_apps) == 0
    error_message = "it is made without being asked for"
  }
}

run "the_app_of_apps_knows_the_environments" {
  command = plan

  variables {
    app_of_apps = true
  }
  assert {
    condition     = yamldecode(kubectl_manifest.app_of_apps[0].yaml_body).spec.source.helm.valuesObject.environments == { dev = { autoscaling = false }, staging = { autoscaling = false }, prod = { autoscaling = true } }
    error_message = "the applications are not those of the environments"
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
