//! Statistics of releases: is the new version worse than the old one?
