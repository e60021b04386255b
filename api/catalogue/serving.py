"""Answers from the catalogue: from the public snapshot, or from the one of everything for those who may see it."""

from fastapi import Request, Response

from api.kit.caching import Build, serve, serve_private


async def serve_catalogue(request: Request, build: Build, *, sees_private: bool, format_name: str) -> Response:
    """Answer from one of the two snapshots; never from both, so that nothing of one gets into an answer of the other."""
    state = request.app.state
    if sees_private:
        return await serve_private(request, build, state.private_catalogue)
    return await serve(request, build, store=state.catalogue, format_name=format_name, by_bearer=True)
