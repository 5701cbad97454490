//! Arguments of `taskmaster doctor`.

use super::{DocumentArgs, EnvironmentArgs};
use clap::Args;

/// `taskmaster doctor`
#[derive(Clone, Debug, Args)]
pub struct DoctorArgs {
    /// The document whose programs are looked for.
    #[command(flatten)]
    pub document: DocumentArgs,
    /// Where it would run.
    #[command(flatten)]
    pub environment: EnvironmentArgs,
}
