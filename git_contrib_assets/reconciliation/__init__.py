"""A second opinion, on demand: our counts beside GitHub's own. Never a source of counts; lands nothing."""
