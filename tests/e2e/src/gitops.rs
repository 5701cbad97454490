//! Git says what runs.

use crate::releases::{settle_blue_green, version};
use crate::run::{check, command, kubectl, output, taskmaster, until};
use crate::scenario::{given, then, when};
use crate::watch::Watch;
use crate::world::{World, ends};
use anyhow::{Result, ensure};
use std::fs;
use std::time::{Duration, Instant};

const PREVIEW: &str = "blue-green-preview.local";

pub(crate) fn push_drift_revert(world: &mut World) -> Result<()> {
    given("v1 is active, and Argo CD is told of pushes by a webhook");
    settle_blue_green(world, "v1")?;
    when("a commit with v3 is pushed");
    let began = Instant::now();
    world.push_tag("blue-green", "v3")?;
    world.webhook()?;
    then("v3 is the preview within thirty seconds");
    until("v3 is the preview", 120, || Ok((version(PREVIEW)? == "v3").then_some(())))?;
    let took = began.elapsed();
    world.seconds("Argo CD, from the push to the preview", took);
    ensure!(took <= Duration::from_secs(30), "{took:?}");
    when("somebody scales the rollout by hand");
    let replicas = Watch::start("rollout blue-green -n blue-green", "{.spec.replicas}")?;
    let began = Instant::now();
    kubectl("-n blue-green patch rollout blue-green --type=merge -p {\"spec\":{\"replicas\":1}}")?;
    then("Argo CD undoes it");
    replicas.until("the change is seen", Duration::from_secs(10), |seen| seen == "1")?;
    let healed = until("the change is undone", 60, || {
        let seen = replicas.seen();
        Ok(seen.last().filter(|(_, last)| last == "3" && seen.len() > 2).map(|(at, _)| *at))
    })?;
    world.seconds("Argo CD, from a change by hand to its end", healed - began);
    when("the commit is reverted");
    let began = Instant::now();
    world.git(&["revert", "--no-edit", "HEAD"])?;
    world.push()?;
    world.webhook()?;
    then("the preview is v1 again, and users never saw v3");
    until("v1 is the preview", 120, || Ok((version(PREVIEW)? == "v1").then_some(())))?;
    world.seconds("Argo CD, from the revert to the version before", began.elapsed());
    ensure!(version("blue-green.local")? == "v1", "users get {}", version("blue-green.local")?);
    kubectl("-n blue-green wait rollout/blue-green --for=jsonpath={.status.phase}=Healthy --timeout=90s")?;
    Ok(())
}

pub(crate) fn by_token(world: &mut World) -> Result<()> {
    given("the server of Argo CD, and a token of the project's role `release`");
    let token = token_of_release(world)?;
    let server = argo_cd_server()?;
    let project = world.scratch.path().join("by-token");
    fs::create_dir_all(project.join("tasks"))?;
    let prd = "# By token\n\n## Phase 1: Release\n\n- [ ] Sync\n- [ ] Delete\n";
    fs::write(project.join("prd.md"), prd)?;
    let catalogue = format!(
        "defaults: {{argocd: {{server: \"{server}\", insecure: true, auth_token: {{secret: env:ARGOCD_TOKEN}}}}}}\n\
         tasks:\n  release/sync: {{run: {{argocd: {{sync: {{app: canary, timeout: 1m}}}}}}}}\n  \
         release/delete: {{retry: {{attempts: 1}}, run: {{argocd: {{args: [app, delete, canary, --yes]}}}}}}\n"
    );
    fs::write(project.join("tasks/local.yaml"), catalogue)?;
    let run = |task: &str| {
        let mut run = taskmaster(&project, &format!("run prd.md --task {task}"));
        ends(run.env("ARGOCD_TOKEN", &token))
    };
    when("a task syncs with it");
    let (code, said) = run("release/sync")?;
    then("it does, and the token is written down nowhere");
    ensure!(code == Some(0), "{code:?}: {said}");
    let mut grep = command(&format!("grep -rlF {token} {}", project.display()));
    let found = output(&mut grep)?;
    ensure!(found.status.code() == Some(1), "{}", String::from_utf8_lossy(&found.stdout));
    when("a task deletes with it");
    let (code, said) = run("release/delete")?;
    then("Argo CD refuses, and the cause is told");
    ensure!(code == Some(20) && said.contains("PermissionDenied"), "{code:?}: {said}");
    ensure!(said.contains("cause: forbidden") && said.contains("help: "), "{said}");
    kubectl("-n argocd get application canary")?;
    Ok(())
}

/// A token for a quarter of an hour, asked for by the administrator.
fn token_of_release(world: &World) -> Result<String> {
    let config = world.scratch.path().join("argocd.config");
    let encoded = kubectl(
        "-n argocd get secret argocd-initial-admin-secret -o go-template={{.data.password|base64decode}}",
    )?;
    let server = argo_cd_server()?;
    let argocd = |words: &str| {
        check(&mut command(&format!("argocd --config {} --insecure {words}", config.display())))
    };
    argocd(&format!("login {server} --username admin --password {}", encoded.trim()))?;
    let token = argocd("proj role create-token platform release --expires-in 15m --token-only")?;
    Ok(token.trim().to_owned())
}

fn argo_cd_server() -> Result<String> {
    Ok(format!("{}:443", kubectl("-n argocd get service argocd-server -o jsonpath={.spec.clusterIP}")?))
}

pub(crate) fn two_environments(world: &mut World) -> Result<()> {
    given("one document, and environments with versions of their own");
    let project = world.scratch.path().join("environments");
    fs::create_dir_all(project.join("tasks"))?;
    fs::write(
        project.join("prd.md"),
        "# Environments\n\n## Phase 1: Deliver\n\n- [ ] Deliver the service\n",
    )?;
    let chart = world.project.join("charts/blue-green-app");
    let (chart, image) = (chart.display(), &world.image);
    fs::write(
        project.join("tasks/all.yaml"),
        format!(
            r#"vars: {{version: v1}}
tasks:
  deliver/deliver-the-service:
    run:
      - helm: {{namespace: "{{{{ env }}}}", upgrade: {{release: blue-green, chart: {chart}, values_files: "{chart}/values-{{{{ env }}}}.yaml", values: {{image: {{repository: {image}, tag: "{{{{ vars.version }}}}"}}}}}}}}
      - rollout: {{kind: argo, namespace: "{{{{ env }}}}", name: blue-green, verb: promote_full}}
      - rollout: {{kind: argo, namespace: "{{{{ env }}}}", name: blue-green, verb: status}}
environments:
  dev: {{vars: {{version: v2}}}}
  prod: {{}}
"#
        ),
    )?;
    when("both are run");
    for environment in ["dev", "prod"] {
        check(&mut crate::run::taskmaster(&project, &format!("run prd.md --env {environment}")))?;
    }
    then("each has its own version, side by side");
    for (environment, expected) in [("dev", "v2"), ("prod", "v1")] {
        let path = format!("-n {environment} get service blue-green-active -o jsonpath={{.spec.clusterIP}}");
        let address = kubectl(&path)?;
        let text = check(&mut command(&format!("curl -sf -m 5 http://{address}/version")))?;
        ensure!(text.contains(&format!("\"{expected}\"")), "{environment}: {text}");
    }
    when("dev is routed by the Gateway API instead of an ingress");
    let values = "--reuse-values --set ingress.kind=gateway --namespace dev";
    check(&mut command(&format!("helm upgrade blue-green {chart} {values}")))?;
    then("its host answers, by an HTTPRoute that the gateway has accepted");
    until("the route is accepted", 30, || {
        let path = "{.status.parents[0].conditions[?(@.type=='Accepted')].status}";
        let mut get = command("kubectl -n dev get httproute blue-green-active");
        Ok((check(get.arg(format!("-o=jsonpath={path}")))? == "True").then_some(()))
    })?;
    until("the host answers", 20, || {
        let mut curl = command("curl -sf -m 5 http://127.0.0.1/version -H");
        let text = check(curl.arg("Host: blue-green.dev.local"))?;
        Ok(text.contains("\"v2\"").then_some(()))
    })?;
    Ok(())
}
