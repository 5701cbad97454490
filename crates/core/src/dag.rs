//! Graphs of tasks by index.

/// Why dependencies make no DAG.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// Each waits for the next, the last for the first.
    #[error("tasks wait for each other: {0:?}")]
    Cycle(Vec<usize>),
    /// A dependency that is no task.
    #[error("task {task} waits for {dependency}, which does not exist")]
    NoSuchTask {
        /// The one that waits.
        task: usize,
        /// What it waits for.
        dependency: usize,
    },
}
