//! The typed waits for objects of others: Applications, AnalysisRuns, Flagger's Canaries.

use crate::run::{check, command, kubectl, output, taskmaster};
use crate::scenario::{given, then, when};
use crate::world::World;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::PathBuf;

pub(crate) fn typed_waits(world: &mut World) -> Result<()> {
    given("a PRD that waits for an Application and for the analysis of a release");
    let project = world.scratch.path().join("waits");
    fs::create_dir_all(project.join("tasks"))?;
    fs::write(
        project.join("prd.md"),
        "# Waits\n\n## Phase 1: See\n\n- [ ] See the application\n- [ ] See the good analysis\n- [ ] See the bad analysis\n",
    )?;
    let path = "{range .items[*]}{.metadata.name} {.status.phase}{\"\\n\"}{end}";
    let mut get = command("kubectl -n canary get analysisruns --sort-by=.metadata.creationTimestamp");
    let runs = check(get.arg(format!("-o=jsonpath={path}")))?;
    let last =
        |phase: &str| runs.lines().filter_map(|line| line.split_once(' ')).rfind(|(_, is)| *is == phase);
    let (Some((good, _)), Some((bad, _))) = (last("Successful"), last("Failed")) else {
        anyhow::bail!("no release was analysed: {runs:?}");
    };
    fs::write(
        project.join("tasks/local.yaml"),
        format!(
            "tasks:\n  see/see-the-application: {{run: {{rollout: {{kind: application, namespace: argocd, name: blue-green, verb: wait}}}}}}\n  see/see-the-good-analysis: {{run: {{rollout: {{kind: analysis_run, namespace: canary, name: {good}, verb: wait}}}}}}\n  see/see-the-bad-analysis: {{run: {{rollout: {{kind: analysis_run, namespace: canary, name: {bad}, verb: wait}}}}}}\n"
        ),
    )?;
    when("it is run");
    let ended = output(&mut taskmaster(&project, "run prd.md"))?;
    then("the first two are seen, and the third fails with the metric's name and value");
    let told = String::from_utf8_lossy(&ended.stderr).into_owned();
    ensure!(ended.status.code() == Some(20) && told.contains("2 satisfied"), "{told}");
    let project = world.scratch.path().join("flagger");
    let log = check(&mut taskmaster(&project, "logs see/see-the-bad-analysis"));
    let all = format!("{told}{}", log.unwrap_or_default());
    ensure!(all.contains("success-rate"), "{all}");
    Ok(())
}

pub(crate) fn flagger_begins(world: &mut World) -> Result<()> {
    given("Flagger, and a deployment that it releases");
    let mirror = flagger(world);
    let manifests = world.project.join("tests/e2e/manifests/flagger.yaml");
    kubectl(&format!("apply --server-side -f {} -f {}", mirror.display(), manifests.display()))?;
    kubectl("-n flagger rollout status deployment/flagger --timeout=60s")?;
    let image = &world.image;
    let deployment = |version: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web, namespace: flagged}}\nspec:\n  selector: {{matchLabels: {{app: web}}}}\n  template:\n    metadata: {{labels: {{app: web}}}}\n    spec:\n      containers:\n        - name: web\n          image: {image}:{version}\n          args: [--host=0.0.0.0]\n          ports: [{{containerPort: 8080}}]\n          readinessProbe: {{httpGet: {{path: /health/ready, port: 8080}}, periodSeconds: 1}}\n"
        )
    };
    let project = world.scratch.path().join("flagger");
    fs::create_dir_all(project.join("tasks"))?;
    fs::write(project.join("web.yaml"), deployment("v1"))?;
    let canary = project.join("canary.yaml");
    fs::write(
        &canary,
        "apiVersion: flagger.app/v1beta1\nkind: Canary\nmetadata: {name: web, namespace: flagged}\nspec:\n  provider: kubernetes\n  targetRef: {apiVersion: apps/v1, kind: Deployment, name: web}\n  progressDeadlineSeconds: 60\n  service: {port: 80, targetPort: 8080}\n  analysis: {interval: 1s, threshold: 2, iterations: 1}\n",
    )?;
    kubectl("create namespace flagged")?;
    kubectl(&format!("apply -f {} -f {}", project.join("web.yaml").display(), canary.display()))?;
    when("a task changes the version and waits for the canary");
    fs::write(project.join("next.yaml"), deployment("v2"))?;
    fs::write(
        project.join("prd.md"),
        "# Flagger\n\n## Phase 1: Release\n\n- [ ] Wait for Flagger\n- [ ] Change the version\n- [ ] See it promoted\n",
    )?;
    fs::write(
        project.join("tasks/local.yaml"),
        "tasks:\n  release/wait-for-flagger: {run: {kubectl: {namespace: flagged, wait: {resources: canary/web, condition: \"jsonpath={.status.phase}=Initialized\", timeout: 90s}}}}\n  release/change-the-version: {run: {exec: [kubectl, apply, -f, next.yaml]}}\n  release/see-it-promoted: {run: {rollout: {kind: flagger, namespace: flagged, name: web, verb: wait, timeout: 2m}}}\n",
    )?;
    world.flagged = Some(world.background(taskmaster(&project, "run prd.md"))?);
    Ok(())
}

/// Its kinds and rights.
fn flagger(world: &World) -> PathBuf {
    world.project.join("out/cluster/mirror/flagger.yaml")
}

pub(crate) fn flagger_ends(world: &mut World) -> Result<()> {
    given("the run that waits for the canary of Flagger");
    world.flagged.take().context("it was not begun")?.succeeds(120)?;
    then("it ends when the new version is the primary");
    let primary = kubectl(
        "-n flagged get deployment web-primary -o jsonpath={.spec.template.spec.containers[0].image}",
    )?;
    ensure!(primary.ends_with(":v2"), "the primary runs {primary}");
    let project = world.scratch.path().join("flagger");
    let log = check(&mut taskmaster(&project, "logs release/see-it-promoted"))?;
    println!("        {}", log.lines().map(str::trim).collect::<Vec<_>>().join("; "));
    kubectl("delete namespace flagged flagger --wait=false")?;
    kubectl("delete clusterrolebinding flagger")?;
    kubectl(&format!("delete --wait=false -f {}", flagger(world).display()))?;
    Ok(())
}
