"""Reads the Accept headers of a request."""


def qualities(header: str) -> list[tuple[str, float]]:
    """The names in an Accept or Accept-Encoding header, in order, each with its quality. Quality 0 means refused."""
    return [_quality(part) for part in header.split(",")]


def _quality(part: str) -> tuple[str, float]:
    name, *options = (piece.strip().lower() for piece in part.split(";"))
    for option in options:
        key, _, value = option.partition("=")
        if key.strip() == "q":
            try:
                return name, float(value)
            except ValueError:
                return name, 0.0
    return name, 1.0
