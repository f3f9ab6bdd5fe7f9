# The image of a cloud. On AWS it trains models: in a Lambda function, or in a training job for what does not fit into
# one. On GCP it is everything: the functions (its command names one), the jobs and the training.
# It is built from the archive that infra/packages/image.py writes, which says CLOUD and PYTHON; docs are in its docstring.
ARG CLOUD=aws
ARG PYTHON=3.13

FROM python:${PYTHON}-slim-bookworm AS libraries
ARG CLOUD
RUN pip install --no-cache-dir uv==0.13.9
WORKDIR /build
COPY pyproject.toml uv.lock ./
# Exactly the versions of the lock file, compiled, where the final image has them too. Nobody looks whether a compiled
# module is older than its source: both are in the image, and stay as they are.
RUN UV_PROJECT_ENVIRONMENT=/opt/venv UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy PYC_INVALIDATION_MODE=unchecked-hash \
    uv sync --locked --no-cache --no-default-groups --no-install-project --compile-bytecode \
    --extra ${CLOUD} --extra ${CLOUD}-image --extra local --extra serve --extra train

FROM python:${PYTHON}-slim-bookworm AS common
# ONNX Runtime and scikit-learn share OpenMP's threads through this library.
RUN apt-get update && apt-get install --yes --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/*
COPY --from=libraries /opt/venv /opt/venv
WORKDIR /opt/loopwright
COPY loopwright/ loopwright/
COPY adapters/ adapters/
COPY functions/ functions/
COPY pipelines/ pipelines/
COPY project/ project/
RUN /opt/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/loopwright
# Only /tmp can be written to by whoever runs it.
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONPATH=/opt/loopwright \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    TMPDIR=/tmp \
    LOOPWRIGHT_PROJECT=/opt/loopwright/project
USER 1000:1000

FROM common AS aws
ENTRYPOINT ["python", "-m", "awslambdaric"]
CMD ["adapters.aws.job_runner.handler"]

FROM common AS gcp
ENTRYPOINT ["python", "-m"]
CMD ["functions.container", "predict"]

FROM ${CLOUD}
