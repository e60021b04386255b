"""The JSON API: reads the published snapshot, knows nothing of how it was made."""
