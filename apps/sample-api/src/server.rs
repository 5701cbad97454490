//! One instance from bind to end.

use std::future::{Future, IntoFuture as _};
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::time::sleep;

use crate::clock;
use crate::config::ServeConfig;
use crate::routes::{App, router};
use crate::shutdown::{Lifecycle, Phase, Timing};

/// Why an instance could not start or serve.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The address is taken or not ours.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
    /// The port file cannot be written.
    #[error("cannot write the port file {}", path.display())]
    PortFile {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The socket failed while serving.
    #[error("cannot go on serving")]
    Serve(#[source] io::Error),
}

/// How an instance ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Every request was answered.
    Clean,
    /// The stop timeout passed with this many application requests unanswered.
    CutOff(i64),
}

/// An instance that listens and will serve once it runs.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    app: Arc<App>,
    lifecycle: Lifecycle,
    timing: Timing,
    stop_timeout: Duration,
    seed: u64,
    port_file: Option<PortFile>,
}

impl Server {
    /// Binds the socket and announces the port in the port file.
    ///
    /// # Errors
    ///
    /// When the address cannot be bound or the port file cannot be written.
    pub async fn bind(config: &ServeConfig) -> Result<Self, ServeError> {
        let wanted = SocketAddr::new(config.host, config.port);
        let bound = async {
            let listener = TcpListener::bind(wanted).await?;
            let address = listener.local_addr()?;
            Ok((listener, address))
        };
        let (listener, address) =
            bound.await.map_err(|source| ServeError::Bind { address: wanted, source })?;
        let port_file = match &config.port_file {
            Some(path) => Some(PortFile::write(path, address.port())?),
            None => None,
        };
        let seed = config.seed.unwrap_or_else(clock::seed);
        let lifecycle = Lifecycle::new();
        Ok(Self {
            app: Arc::new(App::new(config, seed, lifecycle.clone())),
            listener,
            address,
            lifecycle,
            timing: Timing {
                ready_delay: Duration::from_millis(config.ready_delay_ms),
                drain: Duration::from_millis(config.drain_ms),
            },
            stop_timeout: Duration::from_millis(config.stop_timeout_ms),
            seed,
            port_file,
        })
    }

    /// Where the instance listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The seed from which its faults are drawn.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The life of the instance, to watch from outside.
    #[must_use]
    pub fn lifecycle(&self) -> Lifecycle {
        self.lifecycle.clone()
    }

    /// Serves until `stop` ends, then drains, lets requests in flight finish, and returns.
    ///
    /// # Errors
    ///
    /// When the socket fails while serving.
    pub async fn run<S>(self, stop: S) -> Result<End, ServeError>
    where
        S: Future<Output = ()> + Send + 'static,
    {
        let supervisor = self.lifecycle.clone().supervise(self.timing, stop);
        let serving = axum::serve(self.listener, router(Arc::clone(&self.app)))
            .with_graceful_shutdown(supervisor)
            .into_future();
        let deadline = async {
            self.lifecycle.reached(Phase::Stopping).await;
            sleep(self.stop_timeout).await;
        };
        let end = tokio::select! {
            result = serving => result.map(|()| End::Clean).map_err(ServeError::Serve),
            // An idle connection may outlast the deadline without a request being lost.
            () = deadline => Ok(match self.app.in_flight() {
                0 => End::Clean,
                unanswered => End::CutOff(unanswered),
            }),
        };
        drop(self.port_file);
        end
    }
}

/// The file that names the port while the instance lives.
#[derive(Debug)]
struct PortFile(PathBuf);

impl PortFile {
    /// Writes the file whole or not at all: a reader that polls never sees half a number.
    fn write(path: &Path, port: u16) -> Result<Self, ServeError> {
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let written = tempfile::NamedTempFile::new_in(folder).and_then(|mut file| {
            writeln!(file, "{port}")?;
            file.persist(path).map_err(io::Error::from)?;
            Ok(())
        });
        match written {
            Ok(()) => Ok(Self(path.to_owned())),
            Err(source) => Err(ServeError::PortFile { path: path.to_owned(), source }),
        }
    }
}

impl Drop for PortFile {
    fn drop(&mut self) {
        // A file that is gone already is what we want.
        let _ = std::fs::remove_file(&self.0);
    }
}
