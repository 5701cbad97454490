//! GitOps of the document.

mod audit;
mod deployments;
mod environments;
mod promotion;
mod scene;
mod verify;
