"""What the marts' pages show of their rows: selects of ten, the newest first. People by login, never by name."""
