# The inference base image: one runtime with only what a detector needs, and the server of server/.
#
# Build context: the root of the repository. BASE_IMAGE is any Debian with Python 3.11 or newer. A release names it
# by digest, because python:3.13-slim moves.
# RUNTIME is tensorflow, for frozen_inference_graph.pb, or onnx, for model.onnx, with an image of a third of the size.
ARG BASE_IMAGE=python:3.13-slim
ARG RUNTIME=tensorflow

FROM ${BASE_IMAGE} AS packages
ARG RUNTIME
RUN apt-get update \
    && apt-get install --yes --no-install-recommends binutils \
    && rm -rf /var/lib/apt/lists/*
COPY requirements/inference-tensorflow.txt requirements/inference-onnx.txt /tmp/
# Two environments, so that the one in the image contains no pip.
RUN python3 -m venv /tmp/installer \
    && python3 -m venv --without-pip /opt/venv \
    && /tmp/installer/bin/python -m pip --python /opt/venv/bin/python install \
        --no-cache-dir --no-compile --no-deps --require-hashes --requirement "/tmp/inference-${RUNTIME}.txt"
# C++ headers and symbol tables are only needed to compile against TensorFlow; they are a third of its size. (Strip only
# TensorFlow's libraries: those of numpy and Pillow were modified when their wheels were built, and strip breaks them.)
# The import proves that the list of packages is complete, and writes the bytecode of the imported modules.
RUN site="$(/opt/venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" \
    && if [ "$RUNTIME" = tensorflow ]; then \
        rm -r "$site/tensorflow/include" \
        && find "$site/tensorflow" -name '*.so*' -type f -size +1M -exec strip --strip-unneeded '{}' + \
        && runtime='tensorflow; tensorflow.compat.v1.Session'; \
    else \
        runtime='onnxruntime, numpy, google.protobuf.text_format; onnxruntime.InferenceSession'; \
    fi \
    && find "$site" -type d -name tests -prune -exec rm -r '{}' + \
    && /opt/venv/bin/python -c "import PIL.Image, gunicorn.workers.gthread, prometheus_client, $runtime"

FROM ${BASE_IMAGE}
ARG RUNTIME
LABEL org.opencontainers.image.title="inference-base" \
      org.opencontainers.image.description="An HTTP server for one model, and ${RUNTIME} to run it" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=packages /opt/venv /opt/venv
COPY examples/object-detect/server/inference_server /app/inference_server
# TensorFlow needs a temporary directory at import; this one is writable even with a read-only root file system.
ENV TMPDIR=/dev/shm \
    PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TF_CPP_MIN_LOG_LEVEL=2
USER 65532:65532
EXPOSE 8080
