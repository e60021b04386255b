"""A GitHub on loopback (the stand-in) and an invented organisation to serve from it; nothing else of the package is used here."""
