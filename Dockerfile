# One image for the server, the deployments and the workers, of the same pinned packages as `make setup`. Prefect's own
# image does not hold fastapi back, and the server of prefect 3.8.8 cannot start with a newer one.
FROM python:3.11.15-slim@sha256:90744cff8f32887f075c47d747a173ff333e9e98801667af93c357fa9f5e28ff

# What opencv and mediapipe load from the system.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libegl1 libgl1 libgles2 libglib2.0-0 libsm6 libxext6 \
    && rm -rf /var/lib/apt/lists/*

RUN useradd --uid 10001 --create-home xtalker \
    && install --directory --owner xtalker --group xtalker /warehouse /outputs /scratch /state

WORKDIR /app
ENV PYTHONUNBUFFERED=1 UV_SYSTEM_PYTHON=1 UV_NO_CACHE=1 UV_COMPILE_BYTECODE=1 PIP_NO_CACHE_DIR=1 MPLCONFIGDIR=/tmp/matplotlib

# The CPU build of PyTorch; PyPI's own (https://pypi.org/simple) is for NVIDIA's GPUs.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
COPY requirements.lock ./
RUN pip install --index-url "$TORCH_INDEX" "$(grep '^torch==' requirements.lock)" \
    && pip install "$(grep '^uv==' requirements.lock)" \
    && uv pip install --requirement requirements.lock
# What a warehouse in PostgreSQL and an object store is read with: of DuckDB's own version.
RUN uv pip install --no-deps duckdb-extension-postgres-scanner==1.5.5 duckdb-extension-httpfs==1.5.5

COPY . ./
RUN uv pip install --no-deps --no-build-isolation --editable . && python -m compileall -q .

# The pinned models, each checked against its sha256: containers need no network for them.
ENV XTALKER_ASSETS=/opt/xtalker/assets
RUN xtalker assets pull

USER xtalker
CMD ["xtalker", "--help"]
