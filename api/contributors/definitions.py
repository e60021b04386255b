"""The definitions in words, as ``/v1/meta`` gives them with the numbers."""

LICENCE = "The software is under the MIT licence. The numbers are made from public histories on GitHub."
DEFINITIONS = {
    "commit": "Every commit reachable from the tip of the repository's default branch, merges included.",
    "contributor": (
        "The author of a commit. A person with several addresses is one contributor where GitHub knows the "
        "addresses as one account; else the address, or without one the name, tells who it is."
    ),
    "new_contributor": (
        "A contributor whose first commit in that repository falls in that month (UTC). Rewritten history, a new "
        "account link or a late merge may change earlier months."
    ),
    "month": (
        "The month of the author date in UTC. There is a row for every month from the earlier of the repository's "
        "creation and its first commit, zeros included."
    ),
    "bot": "A contributor known to be a bot. Bots count as contributors, and are also counted apart.",
    "fork": "Forks are counted like any repository; totals over repositories leave them out unless asked.",
    "total": "Totals add up repositories: a person who is new in two of them counts in both.",
    "identity": (
        "account: GitHub was asked about every address. partial: about some not yet, see emails_not_asked. "
        "email: about none, so that one person with two addresses may count twice."
    ),
    "state": (
        "complete: all commits are counted. empty: there are none. pending: never collected yet. failed, vanished, "
        "emptied: the last good data stays, see state_reason and state_since."
    ),
}
