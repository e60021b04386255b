"""The JSON API. It reads the published snapshot and knows nothing about how it was made."""
