//! Who is told, and that somebody could not be.

use super::body::Ended;
use crate::app::workspace::Workspace;
use crate::config::notice::{Notice, Target};
use crate::deliver::notify::{Secret, send};
use crate::exec::driver;
use crate::process::launch::{Launch, Stdin, launch};
use std::fs::File;
use std::path::Path;
use std::time::Duration;
use tokio::task::JoinSet;
use ulid::Ulid;
use zeroize::Zeroizing;

/// Time for what is stopped to go.
const GRACE: Duration = Duration::from_secs(1);

/// Tells all who want to know, at the same time. Returns a line for each who could not be told.
pub fn tell(workspace: &Workspace, ended: &Ended<'_>) -> Vec<String> {
    let wanting = |notice: &&Notice| notice.on.is_empty() || notice.on.contains(&ended.result.end);
    let notices: Vec<Notice> = workspace.project.settings.notify.iter().filter(wanting).cloned().collect();
    if notices.is_empty() {
        return Vec::new();
    }
    let runtime = match driver::runtime() {
        Ok(runtime) => runtime,
        Err(fault) => return vec![format!("nobody could be told: {fault}")],
    };
    runtime.block_on(async {
        let mut told = JoinSet::new();
        for (place, notice) in notices.into_iter().enumerate() {
            let id = Ulid::generate().to_string();
            let body = ended.body(&id).to_string().into_bytes();
            let root = workspace.project.root.clone();
            told.spawn(async move { (place, notice.name.clone(), one(&notice, &root, &id, body).await) });
        }
        let mut faults = Vec::new();
        while let Some(ended) = told.join_next().await {
            match ended {
                Ok((_, _, Ok(()))) => {}
                Ok((place, name, Err(why))) => faults.push((place, format!("notice `{name}`: {why}"))),
                Err(fault) => faults.push((usize::MAX, format!("a notice: {fault}"))),
            }
        }
        faults.sort();
        faults.into_iter().map(|(_, line)| line).collect()
    })
}

async fn one(notice: &Notice, root: &Path, id: &str, body: Vec<u8>) -> Result<(), String> {
    match &notice.target {
        Target::Webhook { url, secret } => {
            let var = |name: &str| std::env::var(name).ok();
            let read = |text| Secret::read(text, root, &var).map_err(|fault| fault.to_string());
            let (url, key) = (read(url)?, secret.as_ref().map(read).transpose()?);
            send(&url, key.as_ref(), id, &body, notice.timeout).await
        }
        Target::Command(argv) => command(argv, root, id, body, notice.timeout).await,
    }
}

/// Starts a program in the project's folder. What it prints is nobody's; it may write where it likes.
async fn command(
    argv: &[String],
    root: &Path,
    id: &str,
    body: Vec<u8>,
    within: Duration,
) -> Result<(), String> {
    let nowhere = File::options().write(true).open("/dev/null").map_err(|fault| fault.to_string())?;
    let it = Launch {
        argv: argv.to_vec(),
        cwd: root.to_owned(),
        env: Vec::new(),
        inherits: true,
        stdin: Stdin::Bytes(Zeroizing::new(body)),
        attempt: format!("notice-{id}"),
        stdout: nowhere,
        stderr: None,
    };
    let mut child = launch(it).map_err(|fault| fault.to_string())?;
    let ended = tokio::time::timeout(within, child.wait()).await;
    let Ok(status) = ended else {
        let _ = child.stop(GRACE, std::future::pending()).await;
        return Err(format!("the command did not end within {within:?}"));
    };
    let _ = child.sweep(GRACE, std::future::pending()).await;
    match status.map_err(|fault| fault.to_string())? {
        status if status.success() => Ok(()),
        status => Err(format!("the command ended with {status}")),
    }
}
