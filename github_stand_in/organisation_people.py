"""The invented people and machines of the bundled organisation; names are put together from syllables."""

import random
from dataclasses import dataclass, field

from github_stand_in.world import Fields

DOMAINS = ("harbor.example", "quay.example", "mail.invalid", "post.invalid", "tidewater.example")
SYLLABLES = ("ka", "lo", "mi", "ren", "ta", "vor", "be", "sil", "du", "na", "pel", "zo", "ri", "fen", "ga", "hul")


@dataclass(slots=True)
class Person:
    """Somebody who commits, from several addresses perhaps."""

    name: str
    login: str
    id: int
    addresses: list[tuple[str, str]]


@dataclass(slots=True)
class Cast:
    """All who commit anywhere in the organisation, and the addresses GitHub knows."""

    people: list[Person] = field(default_factory=list)
    bots: list[Person] = field(default_factory=list)
    services: list[Person] = field(default_factory=list)
    accounts: dict[str, Fields] = field(default_factory=dict)


def _word(chance: random.Random, syllables: int) -> str:
    return "".join(chance.choice(SYLLABLES) for _ in range(syllables))


def _person(chance: random.Random, number: int, accounts: dict[str, Fields]) -> Person:
    given, family = _word(chance, 2), _word(chance, 3)
    login, identity = f"{given}-{family}-{number}", 3_000_000 + 7919 * number
    name = f"{given.title()} {family.title()}"
    address = f"{given}.{family}.{number}@{chance.choice(DOMAINS)}"
    addresses = [(name, address)]
    account: Fields = {"login": login, "id": identity}
    draw = chance.random()
    linked = draw < 0.82
    if linked:
        accounts[address] = account
    if chance.random() < 0.10:
        # The form without an id is the older one.
        prefix = f"{identity}+{login}" if chance.random() < 0.6 else login
        noreply = f"{prefix}@users.noreply.github.com"
        addresses.append((name, noreply))
        accounts[noreply] = account
    if chance.random() < 0.16:
        second = f"{login}@{chance.choice(DOMAINS)}"
        addresses.append((chance.choice([name, login, given.title()]), second if number % 3 else second.upper()))
        if linked and chance.random() < 0.8:
            accounts[second.lower()] = account
    ugly = number % 83
    if ugly == 5:
        addresses.append((name, ""))
    elif ugly == 11:
        addresses[0] = (name, f"{login}.local")
    elif ugly == 23:
        addresses = [("", "")]
    elif ugly == 41:
        addresses[0] = (f"{given.title()} Ünïcôde-{family.title()}", address)
    elif ugly == 67:
        # A deleted account: GitHub answers with an empty object.
        accounts[address] = {}
    return Person(name, login, identity, addresses)


def assemble(chance: random.Random) -> Cast:
    """Make everybody up."""
    cast = Cast()
    cast.people = [_person(chance, number, cast.accounts) for number in range(1, 1501)]
    for number, name in enumerate(("dependency-pilot", "release-tug", "translation-ferry")):
        login, identity = f"{name}[bot]", 41_000_000 + number
        address = f"{identity}+{login}@users.noreply.github.com"
        cast.accounts[address] = {"login": login, "id": identity, "type": "Bot"}
        cast.bots.append(Person(login, login, identity, [(login, address)]))
    for number in range(40):
        login = f"harbor-service-bot-{number}"
        address = f"{login}@harbor.example"
        cast.accounts[address] = {"login": login, "id": 52_000_000 + number}
        cast.services.append(
            Person("Harbor Service Bot", login, 52_000_000 + number, [("Harbor Service Bot", address)])
        )
    return cast
