"""The snapshot, the documentation, and how the server is doing."""
