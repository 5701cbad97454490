//! Documents and catalogues in real Git repositories.

mod against;
mod against_faults;
mod against_hostile;
mod against_page;
mod against_world;
