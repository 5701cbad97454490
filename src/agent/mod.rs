//! The process that owns what must outlive a command: local services, the proxy with its listening
//! sockets, and the local rollouts that it steps. One for each state directory.
