# git-contrib with its API as the default command; all data in the volume /data.
#   docker build -t git-contrib .
#   docker run --rm -v git-contrib:/data -e GITHUB_TOKEN git-contrib run facebook
#   docker run --rm -v git-contrib:/data -p 8000:8000 git-contrib
FROM python:3.12-slim

RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates git \
    && rm -rf /var/lib/apt/lists/*

ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1

WORKDIR /opt/git-contrib
COPY requirements.txt ./
RUN python -m pip install --require-hashes -r requirements.txt
COPY pyproject.toml README.md LICENSE workspace.yaml ./
COPY git_contrib_assets ./git_contrib_assets
COPY api ./api
COPY github_stand_in ./github_stand_in
RUN python -m pip install --no-deps --no-build-isolation . \
    && useradd --system --uid 10001 --create-home git-contrib \
    && install -d -o git-contrib -m 0700 /data

ENV GIT_CONTRIB_HOME=/data \
    DAGSTER_HOME=/data/dagster
VOLUME /data
USER git-contrib
WORKDIR /data
EXPOSE 8000
ENTRYPOINT ["git-contrib"]
CMD ["serve", "--host", "0.0.0.0"]
