//! `status` and `runs`: questions about run folders.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// The run folder
    #[arg(value_name = "RUN_DIR")]
    pub(crate) run_dir: PathBuf,

    /// Say it anew until the run ends, each second on a terminal, else when a count changes; then leave with the run's exit code (70 if it died)
    #[arg(long)]
    pub(crate) watch: bool,

    /// Say it in JSON, one object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RunsArgs {
    /// Folders of runs, run folders, or the INPUT that runs stand beside [default: every *.runs of the current folder]
    #[arg(value_name = "DIR|INPUT")]
    pub(crate) of: Vec<PathBuf>,

    /// List them in JSON, one array
    #[arg(long)]
    pub(crate) json: bool,
}
