//! Views of plans and runs as text, JSON, Markdown and HTML.
