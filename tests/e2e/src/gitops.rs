//! Git says what runs.

use crate::releases::version;
use crate::run::{check, command, kubectl, until};
use crate::scenario::{given, then, when};
use crate::watch::Watch;
use crate::world::World;
use anyhow::{Result, ensure};
use std::fs;
use std::time::{Duration, Instant};

const PREVIEW: &str = "blue-green-preview.local";

pub(crate) fn push_drift_revert(world: &mut World) -> Result<()> {
    given("v1 is active, and Argo CD is told of pushes by a webhook");
    kubectl("-n blue-green wait rollout/blue-green --for=jsonpath={.status.phase}=Healthy --timeout=90s")?;
    ensure!(version("blue-green.local")? == "v1", "users get {}", version("blue-green.local")?);
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
