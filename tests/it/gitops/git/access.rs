//! Tokens and keys: given to whom they are for, and to nobody else.

use super::support::{git, id, place, program};
use crate::gitops::origin::Origin;
use std::path::Path;
use taskmaster::git::error::GitError;
use taskmaster::git::mirror::Mirror;
use taskmaster::git::push::PushError;
use taskmaster::git::remote::{Access, Remote};
use taskmaster::git::write::Author;
use taskmaster_git_server::{Fault, base64};
use zeroize::Zeroizing;

const TOKEN: &str = "tok-7f3a9c-hidden";

fn origin() -> Origin {
    let origin = Origin::new();
    origin.commit(&[("a", "x")], "first");
    origin
}

fn token(token: &str) -> Access {
    Access::Token { username: Some("robot".to_owned()), token: Zeroizing::new(token.to_owned()) }
}

fn remote(origin: &Origin, secret: &str) -> Remote {
    Remote::new(&origin.url(), token(secret)).unwrap()
}

/// Every text of the mirror, as one.
fn on_disk(dir: &Path) -> String {
    super::support::files(dir).into_iter().map(|(name, text)| name + &text).collect()
}

fn assert_hidden(text: &str) {
    for form in [TOKEN.to_owned(), base64(TOKEN.as_bytes()), base64(format!("robot:{TOKEN}").as_bytes())] {
        assert!(!text.contains(&form), "{text}");
    }
}

#[test]
fn the_right_token_opens_and_is_seen_nowhere() {
    let origin = origin();
    origin.require(&format!("robot:{TOKEN}"), "");
    // The wrapper writes down every argv; the helpers of git are found in /proc while the server holds them.
    let argv = origin.scratch().join("argv");
    let text = format!("#!/bin/sh\nprintf '%s\\n' \"$*\" >> {}\nexec git \"$@\"\n", argv.display());
    let wrapper = program(&origin, "fake/git", &text);
    let mirror =
        Mirror::with(git(&origin).program(&wrapper), &place(&origin), remote(&origin, TOKEN)).unwrap();
    origin.fault("POST", Fault::Hang);
    std::thread::scope(|scope| {
        let fetching = scope.spawn(|| mirror.fetch("main"));
        origin.wait_until_held();
        let (lines, environments) = of_processes(&origin.url());
        assert!(lines.contains("remote-http"), "the helper is at work: {lines}");
        assert_hidden(&lines);
        assert!(environments.contains(&base64(format!("robot:{TOKEN}").as_bytes())), "that is where it is");
        origin.heal();
        assert_eq!(fetching.join().unwrap().unwrap(), id(&origin.head()));
    });
    let written = std::fs::read_to_string(argv).unwrap();
    assert!(written.contains("fetch"));
    assert_hidden(&written);
    assert_hidden(&on_disk(mirror.dir()));
    assert_hidden(&format!("{mirror:?}"));
    let with_token =
        origin.requests().iter().filter(|request| request.headers.contains_key("authorization")).count();
    assert_eq!(with_token, origin.requests().len());
}

/// Argvs of all processes that name `mark`, and their environments.
fn of_processes(mark: &str) -> (String, String) {
    let (mut lines, mut environments) = (String::new(), String::new());
    for entry in std::fs::read_dir("/proc").unwrap().filter_map(Result::ok) {
        let read = |name| {
            std::fs::read(entry.path().join(name)).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        };
        let Ok(line) = read("cmdline") else { continue };
        if line.contains(mark) {
            lines.push_str(&line.replace('\0', " "));
            environments.push_str(&read("environ").unwrap_or_default());
        }
    }
    (lines, environments)
}

#[test]
fn a_wrong_a_missing_and_an_expired_token_are_refused() {
    let origin = origin();
    origin.require(&format!("robot:{TOKEN}"), "");
    for access in [token("wrong-token"), Access::None] {
        let remote = Remote::new(&origin.url(), access).unwrap();
        let mirror = Mirror::with(git(&origin), &place(&origin), remote).unwrap();
        let error = mirror.fetch("main").unwrap_err();
        assert!(matches!(error, GitError::Credentials { .. }), "{error:?}");
        assert!(!error.to_string().contains("wrong-token"), "{error}");
        assert!(error.help().unwrap().contains("token"));
    }
    let mut mirror = Mirror::with(git(&origin), &place(&origin), remote(&origin, TOKEN)).unwrap();
    mirror.fetch("main").unwrap();
    origin.require("robot:another", "");
    assert!(matches!(mirror.fetch("main"), Err(GitError::Credentials { .. })), "expired");
    mirror.set_remote(remote(&origin, "another")).unwrap();
    mirror.fetch("main").unwrap();
}

#[test]
fn a_token_that_may_not_push() {
    let origin = origin();
    origin.require(&format!("robot:{TOKEN}"), "git-receive-pack");
    let mirror = Mirror::with(git(&origin), &place(&origin), remote(&origin, "reader-token")).unwrap();
    let head = mirror.fetch("main").unwrap();
    let author = Author { name: "x".to_owned(), email: "x@y".to_owned() };
    let ours = mirror.commit_file(&head, "a", b"ours", "ours", &author).unwrap();
    let error = mirror.push(&ours, "main", Some(&head)).unwrap_err();
    assert!(matches!(error, PushError::Git(GitError::Credentials { .. })), "{error:?}");
    assert!(!error.to_string().contains("reader-token"));
}

#[test]
fn another_server_that_this_one_leads_to_does_not_see_the_token() {
    let (origin, other) = (origin(), origin());
    let mirror = Mirror::with(git(&origin), &place(&origin), remote(&origin, TOKEN)).unwrap();
    origin.fault("", Fault::Redirect(format!("{}/info/refs?service=git-upload-pack", other.url())));
    let error = mirror.fetch("main").unwrap_err();
    assert!(matches!(error, GitError::NoRepository { .. }), "{error:?}");
    assert_eq!(other.requests().len(), 0);
}

#[test]
fn credential_helpers_are_not_asked_where_a_token_is_given() {
    let origin = origin();
    origin.require("robot:from-the-helper", "");
    let asked = origin.scratch().join("asked");
    let text = format!(
        "#!/bin/sh\necho x >> {}\necho username=robot\necho password=from-the-helper\n",
        asked.display()
    );
    let helper = program(&origin, "helper", &text);
    let settings = origin.scratch().join("gitconfig");
    std::fs::write(&settings, format!("[credential]\n\thelper = {}\n", helper.display())).unwrap();
    let git = git(&origin).env("GIT_CONFIG_GLOBAL", &settings);
    // Without a token the user's own helper is what opens.
    let plain = Remote::new(&origin.url(), Access::None).unwrap();
    Mirror::with(git.clone(), &place(&origin), plain).unwrap().fetch("main").unwrap();
    std::fs::remove_file(&asked).unwrap();
    let mirror = Mirror::with(git, &place(&origin), remote(&origin, TOKEN)).unwrap();
    assert!(matches!(mirror.fetch("main"), Err(GitError::Credentials { .. })));
    assert!(!asked.exists());
}

/// There is no ssh server here: a program `ssh` on PATH writes down its argv and runs the command locally, as a
/// server would. So what is proved is what ssh is given, not what it does.
#[test]
fn ssh_is_given_the_key_and_never_asks() {
    let origin = origin();
    let argv = origin.scratch().join("argv");
    let fake = format!(
        "#!/bin/sh\nprintf '%s\\n' \"$@\" > {}\nfor last; do :; done\nexec sh -c \"$last\"\n",
        argv.display()
    );
    let bin = program(&origin, "bin/ssh", &fake).parent().unwrap().to_owned();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let access =
        Access::SshKey { file: "/keys/my key".into(), known_hosts: Some("/keys/known hosts".into()) };
    let url = format!("git@git.example:{}", origin.path().display());
    let remote = Remote::new(&url, access).unwrap();
    let mirror = Mirror::with(git(&origin).env("PATH", &path), &place(&origin), remote).unwrap();
    assert_eq!(mirror.fetch("main").unwrap(), id(&origin.head()));
    let argv: Vec<String> = std::fs::read_to_string(argv).unwrap().lines().map(str::to_owned).collect();
    for option in [
        "BatchMode=yes",
        "IdentitiesOnly=yes",
        "StrictHostKeyChecking=yes",
        "IdentityFile=\"/keys/my key\"",
        "UserKnownHostsFile=\"/keys/known hosts\"",
    ] {
        let at = argv.iter().position(|word| word == option).unwrap_or_else(|| panic!("{option}: {argv:?}"));
        assert_eq!(argv[at - 1], "-o");
    }
    assert!(argv.contains(&"git@git.example".to_owned()), "{argv:?}");
    for (said, is_refused) in
        [("git@git.example: Permission denied (publickey).", true), ("Host key verification failed.", false)]
    {
        program(&origin, "bin/ssh", &format!("#!/bin/sh\necho '{said}' >&2\nexit 255\n"));
        let error = mirror.fetch("main").unwrap_err();
        assert_eq!(matches!(error, GitError::Credentials { .. }), is_refused, "{error:?}");
        assert_eq!(matches!(error, GitError::Untrusted { .. }), !is_refused, "{error:?}");
    }
}
