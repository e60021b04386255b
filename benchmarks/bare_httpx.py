"""The floor of a crawl by REST: read every page of one repository's commits, eight at a time, and keep nothing.

python benchmarks/bare_httpx.py API_URL REPOSITORY SHA PAGES
"""

import asyncio
import json
import sys
import time

import httpx

AT_ONCE = 8


async def read(api_url: str, repository: str, sha: str, pages: int) -> int:
    """The number of bytes read."""
    places = asyncio.Semaphore(AT_ONCE)
    limits = httpx.Limits(max_connections=AT_ONCE)
    async with httpx.AsyncClient(trust_env=False, limits=limits) as client:

        async def one(page: int) -> int:
            async with places:
                parameters = {"sha": sha, "per_page": 100, "page": page}
                return len((await client.get(f"{api_url}/repos/{repository}/commits", params=parameters)).content)

        return sum(await asyncio.gather(*(one(page) for page in range(1, pages + 1))))


if __name__ == "__main__":
    start, before = time.perf_counter(), time.process_time()
    size = asyncio.run(read(*sys.argv[1:4], int(sys.argv[4])))
    print(json.dumps([time.perf_counter() - start, time.process_time() - before, size]))
