"""A GitHub on loopback (the stand-in), and an invented organisation for it to serve. It imports nothing of git-contrib."""
