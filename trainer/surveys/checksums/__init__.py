"""SHA-256 of original files, one table per survey: ``digest size path`` per line."""
