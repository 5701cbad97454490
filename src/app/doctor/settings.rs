//! Files of settings, and variables that are meant as such.

use crate::app::workspace::Workspace;
use crate::config::{self, ConfigError, PROJECT_FILE, VARIABLES};
use crate::report::view::{Area, FindingView};
use taskmaster_core::diagnostic::did_you_mean;

/// Further variables of ours that people may set.
const OTHERS: [&str; 1] = ["TASKMASTER_AGENT_IDLE"];
/// Beginnings of variables that taskmaster gives its children.
const GIVEN: [&str; 3] = ["TASKMASTER_ATTEMPT", "TASKMASTER_PROMETHEUS_", "TASKMASTER_AGENT_"];

/// Looks at settings; `fault` is why they could not be read.
pub(super) fn look(workspace: &Workspace, fault: Option<&ConfigError>) -> Vec<FindingView> {
    let mut all = vec![files(workspace, fault)];
    all.extend(variables(std::env::vars_os().filter_map(|(name, _)| name.into_string().ok())));
    all.extend(catalogue(workspace));
    all
}

fn files(workspace: &Workspace, fault: Option<&ConfigError>) -> FindingView {
    let project = workspace.project.root.join(PROJECT_FILE);
    if let Some(fault) = fault {
        let help = "the rest was looked at without any settings; every other command ends here with 2";
        return FindingView::problem(Area::Settings, "settings", super::with_causes(fault), help);
    }
    let user = config::user_file(&|name| std::env::var(name).ok());
    let read = [Some(project), user].into_iter().flatten().filter(|path| path.exists());
    let read: Vec<String> = read.map(|path| path.display().to_string()).collect();
    let found = match read.as_slice() {
        [] => "none: every default holds".to_owned(),
        read => read.join(", "),
    };
    FindingView::ok(Area::Settings, "settings", found)
}

/// A name that is like one of ours is meant as one.
fn variables(names: impl Iterator<Item = String>) -> Vec<FindingView> {
    let is_known = |name: &String| {
        VARIABLES.contains(&name.as_str())
            || OTHERS.contains(&name.as_str())
            || GIVEN.iter().any(|given| name.starts_with(given))
    };
    let mut unknown: Vec<String> =
        names.filter(|name| name.starts_with("TASKMASTER_") && !is_known(name)).collect();
    unknown.sort();
    let finding = |name: &String| {
        let near = did_you_mean(name, VARIABLES).map(|near| format!("did you mean `{near}`?"));
        let help = near.unwrap_or_else(|| format!("known are {}", VARIABLES.join(", ")));
        FindingView::warning(Area::Settings, name, "is set, but no setting is called so", help)
    };
    unknown.iter().map(finding).collect()
}

/// A folder of catalogues that is named and is not there.
fn catalogue(workspace: &Workspace) -> Option<FindingView> {
    let project = &workspace.project;
    let named = project.settings.catalogue.as_ref()?;
    let is_there = project.catalogue_dir().exists();
    (!is_there).then(|| {
        let found = format!("{} does not exist", named.display());
        FindingView::problem(
            Area::Settings,
            "catalogue",
            found,
            "make it, or correct the setting `catalogue`",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelt_variables_are_told() {
        let names = ["PATH", "TASKMASTER_ENV", "TASKMASTER_JOB", "TASKMASTER_ATTEMPT", "TASKMASTER_COLOUR"];
        let found = variables(names.iter().map(|name| (*name).to_owned()));
        let told: Vec<_> =
            found.iter().map(|finding| (finding.subject.as_str(), finding.help.as_deref())).collect();
        assert_eq!(told[1], ("TASKMASTER_JOB", Some("did you mean `TASKMASTER_JOBS`?")));
        assert_eq!(told[0].0, "TASKMASTER_COLOUR");
        assert_eq!(told.len(), 2);
    }
}
