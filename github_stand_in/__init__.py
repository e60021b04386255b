"""A GitHub on loopback (the stand-in), and an invented organisation to serve. It imports nothing of git-contrib."""
