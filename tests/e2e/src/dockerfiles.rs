//! The Dockerfiles, as far as they can be judged without building an image.

use std::fs;
use std::path::{Path, PathBuf};

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn check(dockerfile: &str) {
    let text = fs::read_to_string(project().join(dockerfile)).expect("it is there");
    let lines: Vec<Vec<&str>> = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .map(|line| line.split_whitespace().collect())
        .collect();
    let instructions = |name: &str| -> Vec<&Vec<&str>> {
        lines.iter().filter(|words| words.first() == Some(&name)).collect()
    };

    let stages = instructions("FROM");
    assert_eq!(stages.len(), 2, "{dockerfile}: one stage builds, one runs");
    assert!(
        stages.iter().all(|words| words[1].contains(':') && !words[1].ends_with(":latest")),
        "{dockerfile}: FROM names a version"
    );
    let built = stages[0].last().expect("AS name");

    for copy in instructions("COPY") {
        match copy[1].strip_prefix("--from=") {
            Some(stage) => assert_eq!(stage, *built, "{dockerfile}: no stage {stage}"),
            None => {
                for source in &copy[1..copy.len() - 1] {
                    assert!(project().join(source).exists(), "{dockerfile}: {source} does not exist");
                    assert!(!ignored(source), "{dockerfile}: .dockerignore leaves {source} out");
                }
            }
        }
    }
    let user = instructions("USER").last().expect("a user")[1];
    assert!(user.split(':').all(|id| id.parse::<u32>().is_ok_and(|id| id > 0)), "{dockerfile}: USER {user}");
    assert!(
        instructions("RUN").iter().any(|words| words.contains(&"--locked")),
        "{dockerfile}: not of the lock file"
    );
}

fn ignored(source: &str) -> bool {
    let text = fs::read_to_string(project().join(".dockerignore")).expect("it is there");
    text.lines().any(|line| line.trim_end_matches('/') == source)
}

#[test]
fn two_stages_and_nobody() {
    check("Dockerfile");
    check("apps/sample-api/Dockerfile");
}

#[test]
fn every_member_of_the_workspace_comes_along() {
    let text = fs::read_to_string(project().join("Cargo.toml")).expect("it is there");
    let members = text.lines().find(|line| line.starts_with("members")).expect("members");
    for member in members.split('"').skip(1).step_by(2).filter(|member| *member != ".") {
        let folder = member.trim_end_matches("/*");
        assert!(
            !ignored(folder) && !ignored(folder.split('/').next().unwrap_or(folder)),
            "{folder} is left out"
        );
    }
}
