"""When a request is sent again: what came instead of a usable reply, after which pause, and how often."""

from datetime import UTC, datetime

from tenacity import RetryCallState, wait_exponential_jitter

from git_contrib_assets.logs import log
from git_contrib_assets.sources.github.limits import Budget

_growing = wait_exponential_jitter(multiplier=0.5, max=20.0, jitter=0.5)


class TryAgain(Exception):
    """No usable reply; the text says what came instead, ``seconds`` when the server wants to be asked again.

    ``heavy`` if the server was reached but did not get the answer together; ``request_id`` is GitHub's own.
    """

    attempts = 5

    def __init__(
        self, text: str, seconds: float | None = None, *, heavy: bool = False, request_id: str | None = None
    ) -> None:
        super().__init__(text)
        self.seconds = seconds
        self.heavy = heavy
        self.request_id = request_id


class Slow(TryAgain):
    """The reply did not come in time. To wait that long once more is enough."""

    attempts = 2


class Refused(TryAgain):
    """401 without a reason: GitHub sometimes gives one by mistake, and answers the next try."""

    attempts = 3


def pause(state: RetryCallState) -> float:
    """How long the server asks us to wait, else a growing while."""
    failure = state.outcome.exception() if state.outcome else None
    asked = failure.seconds if isinstance(failure, TryAgain) else None
    return _growing(state) if asked is None else asked


def often_enough(state: RetryCallState) -> bool:
    """Whether what failed was tried as many times as is worth it."""
    failure = state.outcome.exception() if state.outcome else None
    return state.attempt_number >= (failure.attempts if isinstance(failure, TryAgain) else 1)


def once(state: RetryCallState) -> bool:
    """A query is not sent again as it is, but in halves; a 401 without a reason has nothing to do with its size."""
    failure = state.outcome.exception() if state.outcome else None
    return often_enough(state) if isinstance(failure, Refused) else True


def note_retry(budget: Budget, request: str, state: RetryCallState) -> None:
    """Log and count a request that is sent again: which, after how many tries, why, and when."""
    failure = state.outcome.exception() if state.outcome else None
    seconds = state.next_action.sleep if state.next_action else 0.0
    until = datetime.fromtimestamp(budget.clock() + seconds, UTC).isoformat(timespec="seconds")
    request_id = failure.request_id if isinstance(failure, TryAgain) else None
    budget.retries += 1
    log().info(
        "retry", request=request, attempt=state.attempt_number, cause=str(failure), request_id=request_id, until=until
    )
