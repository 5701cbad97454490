//! Who owns the fields that a server-side apply would change, by the words of its refusal.
//!
//! What a person changed by hand is taken back: the manifest says what is wanted. What a controller
//! writes is its work: taking it back breaks what it delivers, and it would write it again.

/// A field that the apply would change, and who owns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The field manager.
    pub manager: String,
    /// `.spec.selector`
    pub field: String,
}

/// What may be done about conflicts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// All were made by tools in people's hands: they can be taken back.
    TakeBack(Vec<Conflict>),
    /// These fields belong to somebody else.
    Keep(Vec<Conflict>),
    /// There are conflicts that cannot be read.
    Unreadable,
    /// It speaks of no conflict.
    NoConflict,
}

/// Reads what kubectl says of an apply that was refused, and rules.
pub fn rule(said: &str) -> Ruling {
    let counted = counted(said);
    let found = conflicts(said);
    if counted == 0 && found.is_empty() {
        return Ruling::NoConflict;
    }
    // One more than was read may be anybody's.
    if found.len() < counted {
        return Ruling::Unreadable;
    }
    let kept: Vec<Conflict> =
        found.iter().filter(|conflict| !is_in_hands(&conflict.manager)).cloned().collect();
    if kept.is_empty() { Ruling::TakeBack(found) } else { Ruling::Keep(kept) }
}

/// `.spec.selector (argo-rollouts), .spec.replicas (kube-controller-manager)`
pub fn list(conflicts: &[Conflict]) -> String {
    let shown = conflicts.iter().map(|conflict| format!("{} ({})", conflict.field, conflict.manager));
    crate::one_line(&shown.collect::<Vec<_>>().join(", "))
}

/// Tools that people work with: kubectl in all its ways, Helm's command line, terminals and desktops
/// for clusters, browsers, and taskmaster itself under an earlier name. Whoever is not known is taken
/// for a controller.
fn is_in_hands(manager: &str) -> bool {
    const NAMES: [&str; 9] = [
        "kubectl",
        "helm",
        "before-first-apply",
        "k9s",
        "lens",
        "openlens",
        "freelens",
        "headlamp",
        "taskmaster",
    ];
    const STARTS: [&str; 5] = ["kubectl-", "mozilla", "lens/", "openlens/", "freelens/"];
    let name = manager.to_ascii_lowercase();
    NAMES.contains(&name.as_str()) || STARTS.iter().any(|start| name.starts_with(start))
}

/// How many conflicts kubectl says there are: `Apply failed with 2 conflicts`.
fn counted(said: &str) -> usize {
    const BEFORE: &str = "Apply failed with ";
    let numbers = said.match_indices(BEFORE).map(|(at, _)| {
        let rest = &said[at + BEFORE.len()..];
        let digits = rest.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
        // A number that cannot be read is more than any that was found.
        digits.parse::<usize>().unwrap_or(usize::MAX)
    });
    numbers.fold(0, usize::saturating_add)
}

/// `conflict with "M" using v1: .field`, or `conflicts with "M" with subresource "scale" using v1:` and
/// a line `- .field` each.
fn conflicts(said: &str) -> Vec<Conflict> {
    let mut found = Vec::new();
    let mut owner: Option<String> = None;
    for line in said.lines() {
        if let Some((manager, rest)) = owner_of(line) {
            let field = rest.split_once(':').map(|(_, field)| field.trim()).unwrap_or_default();
            if !field.is_empty() {
                found.push(Conflict { manager: manager.clone(), field: field.to_owned() });
            }
            owner = field.is_empty().then_some(manager);
        } else if let (Some(manager), Some(field)) = (&owner, line.trim_start().strip_prefix("- ")) {
            found.push(Conflict { manager: manager.clone(), field: field.trim().to_owned() });
        } else {
            owner = None;
        }
    }
    found
}

/// The manager, and what follows its name on the line.
fn owner_of(line: &str) -> Option<(String, &str)> {
    let starts = ["conflict with \"", "conflicts with \""];
    let rest = starts.iter().find_map(|start| line.split_once(start))?.1;
    let mut name = String::new();
    let mut characters = rest.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '\\' => name.extend(characters.next().map(|(_, c)| c)),
            '"' => return Some((name, &rest[at + 1..])),
            _ => name.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_ends_at_its_quote() {
        let line = r#"conflict with "a\"b" using v1: .spec"#;
        assert_eq!(owner_of(line), Some(("a\"b".to_owned(), " using v1: .spec")));
        assert_eq!(owner_of(r#"conflict with "a"#), None);
    }

    const ONE: &str = "error: Apply failed with 1 conflict: conflict with \"argo-rollouts\" using v1: .spec.selector\n\
        Please review the fields above--they currently have other managers. Here\n\
        are the ways you can resolve this warning:\n\
        * If you intend to manage all of these fields, please re-run the apply\n  command with the `--force-conflicts` flag.";

    fn told(said: &str) -> String {
        match rule(said) {
            Ruling::TakeBack(all) => format!("take {}", list(&all)),
            Ruling::Keep(all) => format!("keep {}", list(&all)),
            Ruling::Unreadable => "unreadable".to_owned(),
            Ruling::NoConflict => "none".to_owned(),
        }
    }

    #[test]
    fn the_owner_decides() {
        for (said, wanted) in [
            (ONE, "keep .spec.selector (argo-rollouts)"),
            (
                "error: Apply failed with 1 conflict: conflict with \"kubectl-edit\" using v1: .data.colour",
                "take .data.colour (kubectl-edit)",
            ),
            (
                "Apply failed with 2 conflicts: conflicts with \"kubectl-edit\" using v1:\n- .data.colour\n- .data.size",
                "take .data.colour (kubectl-edit), .data.size (kubectl-edit)",
            ),
            (
                "error: Apply failed with 2 conflicts: conflicts with \"kubectl-client-side-apply\" using apps/v1:\n\
                 - .spec.template.spec.containers[name=\"web\"].image\n\
                 conflicts with \"argo-rollouts\" using v1:\n- .spec.selector\nPlease review",
                "keep .spec.selector (argo-rollouts)",
            ),
            // kubectl scale, and the autoscaler.
            (
                "error: Apply failed with 1 conflict: conflict with \"kubectl\" with subresource \"scale\" using apps/v1: .spec.replicas",
                "take .spec.replicas (kubectl)",
            ),
            (
                "error: Apply failed with 1 conflict: conflict with \"kube-controller-manager\" with subresource \"scale\" using apps/v1: .spec.replicas",
                "keep .spec.replicas (kube-controller-manager)",
            ),
            // kubectl diff says it otherwise.
            (
                "W1 diff.go:544] Object (apps/v1, Kind=Deployment: web) keeps changing, diffing without lock\n\
                 Error from server (Conflict): Apply failed with 1 conflict: conflict with \"helm\" using apps/v1: .spec.replicas",
                "take .spec.replicas (helm)",
            ),
            (
                "error: Apply failed with 1 conflict: conflict with \"manager-a\": .metadata.labels.app",
                "keep .metadata.labels.app (manager-a)",
            ),
            ("error: Apply failed with 1 conflict: conflict with \"a \\\"b\\\"\": .x", "keep .x (a \"b\")"),
            // Two objects, one refusal each.
            (
                "Apply failed with 1 conflict: conflict with \"k9s\" using v1: .data.a\n\
                 Apply failed with 1 conflict: conflict with \"flagger\" using v1: .spec.selector",
                "keep .spec.selector (flagger)",
            ),
            ("Apply failed with 2 conflicts: conflict with \"k9s\" using v1: .data.a", "unreadable"),
            ("Apply failed with many conflicts", "unreadable"),
            ("Error from server (Forbidden): services is forbidden", "none"),
            ("", "none"),
        ] {
            assert_eq!(told(said), wanted, "{said}");
        }
    }

    #[test]
    fn hands_and_controllers() {
        for hand in [
            "kubectl",
            "kubectl-edit",
            "kubectl-patch",
            "Helm",
            "before-first-apply",
            "k9s",
            "Lens",
            "Mozilla/5.0",
        ] {
            assert!(is_in_hands(hand), "{hand}");
        }
        for controller in [
            "argo-rollouts",
            "argocd-controller",
            "rollouts-controller",
            "kube-controller-manager",
            "flagger",
            "helm-controller",
            "kubectlish",
            "lensing",
            "",
        ] {
            assert!(!is_in_hands(controller), "{controller}");
        }
    }
}
