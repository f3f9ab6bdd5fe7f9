# The image in which models are trained: a Lambda function's, and a training job's for what does not fit into one.
# It is built from the archive that infra/packages/image.py writes; docs are in its docstring.
ARG PYTHON=3.13

FROM python:${PYTHON}-slim-bookworm AS libraries
RUN pip install --no-cache-dir uv==0.13.9
WORKDIR /build
COPY pyproject.toml uv.lock ./
# Exactly the versions of the lock file, compiled, where the final image has them too.
RUN UV_PROJECT_ENVIRONMENT=/opt/venv UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy \
    uv sync --locked --no-cache --no-default-groups --no-install-project --compile-bytecode \
    --extra aws --extra image --extra local --extra serve --extra train

FROM python:${PYTHON}-slim-bookworm
# ONNX Runtime and scikit-learn share OpenMP's threads through this library.
RUN apt-get update && apt-get install --yes --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/*
COPY --from=libraries /opt/venv /opt/venv
WORKDIR /opt/loopwright
COPY loopwright/ loopwright/
COPY adapters/ adapters/
COPY pipelines/ pipelines/
COPY project/ project/
RUN /opt/venv/bin/python -m compileall -q /opt/loopwright
# On Lambda only /tmp can be written to.
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONPATH=/opt/loopwright \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    TMPDIR=/tmp \
    LOOPWRIGHT_PROJECT=/opt/loopwright/project
USER 1000:1000
ENTRYPOINT ["python", "-m", "awslambdaric"]
CMD ["adapters.aws.job_runner.handler"]
