# The inference base image: TensorFlow, as much as running a frozen graph needs, and the server of server/.
#
# Build context: the root of the repository. BASE_IMAGE is any Debian with Python 3.11 or newer.
ARG BASE_IMAGE=python:3.13-slim

FROM ${BASE_IMAGE} AS packages
RUN apt-get update \
    && apt-get install --yes --no-install-recommends binutils \
    && rm -rf /var/lib/apt/lists/*
COPY requirements/inference.txt /tmp/
# Two environments, so that the one that is kept holds no pip.
RUN python3 -m venv /tmp/installer \
    && python3 -m venv --without-pip /opt/venv \
    && /tmp/installer/bin/python -m pip --python /opt/venv/bin/python install \
        --no-cache-dir --no-compile --no-deps --require-hashes --requirement /tmp/inference.txt
# C++ headers and symbol tables are for those who compile against TensorFlow; they are a third of its size. (Only
# TensorFlow's libraries: those of numpy and Pillow were edited when their wheels were made and do not survive strip.)
# The import proves that the list of packages is complete, and leaves the bytecode of what it imported behind.
RUN site="$(/opt/venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" \
    && rm -r "$site/tensorflow/include" \
    && find "$site/tensorflow" -name '*.so*' -type f -size +1M -exec strip --strip-unneeded '{}' + \
    && find "$site" -type d -name tests -prune -exec rm -r '{}' + \
    && /opt/venv/bin/python -c 'import PIL.Image, gunicorn.workers.gthread, tensorflow; tensorflow.compat.v1.Session'

FROM ${BASE_IMAGE}
LABEL org.opencontainers.image.title="inference-base" \
      org.opencontainers.image.description="TensorFlow and an HTTP server for one model" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=packages /opt/venv /opt/venv
COPY examples/object-detect/server/inference_server /app/inference_server
# TensorFlow wants a temporary directory at import; this one is writable even where the root file system is not.
ENV TMPDIR=/dev/shm \
    PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TF_CPP_MIN_LOG_LEVEL=2
USER 65532:65532
EXPOSE 8080
