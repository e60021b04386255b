"""Answers about the snapshot and the server, and the documentation."""
