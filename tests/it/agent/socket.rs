//! The control socket: who may speak, and in which words.

use super::world::{CANARY, World, file};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::process::Command;

fn say(world: &World, line: &[u8]) -> Value {
    let mut stream = UnixStream::connect(world.state_dir().join("agent.sock")).unwrap();
    stream.write_all(line).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).unwrap();
    serde_json::from_str(&answer).unwrap_or_default()
}

#[test]
fn other_versions_and_garbage_are_told() {
    let world = World::new(CANARY);
    world.release("v1");
    let mode = std::fs::metadata(world.state_dir().join("agent.sock")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let told = say(&world, b"{\"v\":2,\"program\":\"9.9.9\",\"call\":{\"do\":\"view\",\"name\":\"web\"}}\n");
    assert_eq!(told["fault"]["code"], "version", "{told}");
    let help = told["fault"]["help"].as_str().unwrap();
    assert!(help.contains("taskmaster agent stop"), "{help}");
    for garbage in
        [&b"\n"[..], b"{", b"{}\n", b"\xff\xfe\n", b"[]\n", b"{\"v\":1,\"call\":{\"do\":\"dance\"}}\n"]
    {
        let told = say(&world, garbage);
        assert!(told["fault"]["code"] == "usage" || told["fault"]["code"] == "version", "{told}");
    }
    let long = vec![b'x'; 5 << 20];
    let mut stream = UnixStream::connect(world.state_dir().join("agent.sock")).unwrap();
    let _ = stream.write_all(&long);
    assert_eq!(world.view()["phase"], "completed", "it goes on");
}

/// Only root can become another user; elsewhere the system itself keeps others out of a private folder.
#[test]
fn another_user_is_refused() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let world = World::new(CANARY);
    world.release("v1");
    let open = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let state_dir = world.state_dir();
    for folder in state_dir.ancestors().take(3) {
        open(folder, 0o755);
    }
    open(&state_dir.join("agent.sock"), 0o666);
    let program = env!("CARGO_BIN_EXE_taskmaster");
    let copy = world.sandbox.path().join("taskmaster-copy");
    std::fs::copy(program, &copy).unwrap();
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&copy);
    command.args(["agent", "status", "--state-dir"]).arg(&state_dir).env_clear().current_dir("/");
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("belongs to user 0"), "{output:?}");
}

#[test]
fn a_stale_socket_is_replaced() {
    let world = World::new(CANARY);
    std::fs::create_dir_all(world.state_dir()).unwrap();
    drop(std::os::unix::net::UnixListener::bind(world.state_dir().join("agent.sock")).unwrap());
    world.release("v1");
}

#[test]
fn a_socket_that_was_taken_away_comes_back() {
    let world = World::new(CANARY);
    world.release("v1");
    let agent = world.agent_pid();
    std::fs::remove_file(world.state_dir().join("agent.sock")).unwrap();
    assert_eq!(world.agent_pid(), agent);
}

#[test]
fn the_state_directory_may_lie_deep() {
    let below = format!("{}/{}", "a".repeat(100), "b".repeat(100));
    let world = World::with(&file(CANARY, ""), &[("TASKMASTER_STATE_DIR", &below)]);
    let deep = world.sandbox.path().join(below);
    world.release("v1");
    assert!(deep.join("agent.sock").exists());
}
