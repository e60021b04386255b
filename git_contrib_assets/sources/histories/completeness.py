"""Whether a history came whole: its tip is there, and with each commit all of its parents."""

from collections.abc import Iterable


class Completeness:
    """Hears of every commit, in any order. For a million commits it keeps 20 MB, and what is still awaited."""

    def __init__(self, tip: str) -> None:
        self._awaited = {bytes.fromhex(tip)}
        self._came = bytearray()
        self._width = len(tip) // 2

    def add(self, commits: Iterable[str], parents: Iterable[str]) -> bool:
        """Note commits with all their parents; whether at least one of these commits was awaited."""
        here = set(map(bytes.fromhex, commits))
        some_awaited = not here.isdisjoint(self._awaited)
        self._awaited.update(map(bytes.fromhex, parents))
        self._awaited -= here
        self._came += b"".join(here)
        return some_awaited

    def seems_whole(self) -> bool:
        """Whether nothing is awaited. May be false for a while although all is there: see ``missing``."""
        return not self._awaited

    def missing(self) -> set[str]:
        """The tip and the parents that did not come.

        By odd dates a parent may come before one of its children: only now is it looked up among all that came.
        """
        for start in range(0, len(self._came), self._width):
            if not self._awaited:
                break
            self._awaited.discard(bytes(self._came[start : start + self._width]))
        return {sha.hex() for sha in self._awaited}
