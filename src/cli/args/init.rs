//! Arguments of `taskmaster init`.

use crate::app::init::Template;
use clap::Args;
use clap::builder::PossibleValuesParser;
use std::path::PathBuf;

/// `taskmaster init`
#[derive(Clone, Debug, Args)]
pub struct InitArgs {
    /// What to begin with: minimal (commands with checks), service (of this machine), kubernetes
    /// [default: minimal; asked for at a terminal]
    #[arg(short, long, value_name = "NAME", value_parser = PossibleValuesParser::new(Template::ALL.map(Template::name)))]
    pub template: Option<String>,
    /// Title of the document [default: the folder's name; asked for at a terminal]
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,
    /// Where the document is to be
    #[arg(long, value_name = "FILE", default_value = "prd.md")]
    pub document: PathBuf,
    /// Ask nothing
    #[arg(short, long)]
    pub yes: bool,
    /// Make files that are there anew; the old ones are kept beside as *.bak
    #[arg(long)]
    pub force: bool,
}
