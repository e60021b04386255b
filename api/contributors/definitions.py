"""The definitions in words, which ``/v1/meta`` gives along with the numbers."""

LICENCE = "The software is under the MIT licence. The numbers are computed from public histories on GitHub."
DEFINITIONS = {
    "commit": "Every commit reachable from the tip of the repository's default branch, merges included.",
    "contributor": (
        "The author of a commit. A person with several e-mail addresses is one contributor if GitHub links the "
        "addresses to one account. Otherwise each address is a contributor; without an address, each name is."
    ),
    "new_contributor": (
        "A contributor whose first commit in the repository falls in the month (UTC). Rewritten history, a new "
        "account link or a late merge may change earlier months."
    ),
    "month": (
        "The month of the author date in UTC. There is a row for every month from the earlier of the repository's "
        "creation and its first commit, zeros included."
    ),
    "bot": "A contributor known to be a bot. Bots count as contributors, and are also counted separately.",
    "fork": "Forks are counted like any repository. Totals over repositories leave them out unless requested.",
    "total": "Totals are sums over repositories: a person who is new in two repositories counts twice.",
    "identity": (
        "account: GitHub was asked about every address. partial: not yet about some, see emails_not_asked. "
        "email: about none, so a person with two addresses may count twice."
    ),
    "state": (
        "complete: all commits are counted. empty: there are no commits. pending: not collected yet. failed, "
        "vanished, emptied: the last good data is kept, see state_reason and state_since."
    ),
}
