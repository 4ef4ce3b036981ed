# A stand-in for the tutorial's inference base: Python 2.7, TensorFlow 1.7.0 and a server with the contract of
# UAI-Inference's images.
#
# Build context: the root of the repository. BASE_IMAGE is Debian 11, the last release with Python 2.7.
ARG BASE_IMAGE=debian:bullseye-slim

FROM ${BASE_IMAGE} AS python
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates python2.7 \
    && rm -rf /var/lib/apt/lists/*

# Debian 11's pip for Python 3 downloads the last pip for Python 2.7, whose wheel runs without installation.
FROM python AS installer
RUN apt-get update && apt-get install --yes --no-install-recommends python3-pip
COPY requirements/python27-installer.txt /tmp/
RUN python3 -m pip download --no-cache-dir --no-deps --require-hashes --dest /installer \
        --requirement /tmp/python27-installer.txt \
    && mv /installer/pip-*.whl /installer/pip.whl

FROM python AS built
ARG LOCK=tutorial-base
COPY --from=installer /installer /installer
COPY requirements/tutorial-base.txt requirements/tensorflow-1.15.txt /tmp/
# C++ headers are only needed to compile against TensorFlow. Python 2.7 uses bytecode whose time matches its source, so
# both get the time of files in a reproducible image. (Modules for Python 3 only, such as grpc.aio, do not compile.)
RUN pip="python2.7 /installer/pip.whl/pip" site=/usr/local/lib/python2.7/dist-packages \
    && $pip install --no-index --no-deps /installer/setuptools-*.whl /installer/wheel-*.whl \
    && $pip install --no-cache-dir --no-compile --no-deps --require-hashes --requirement "/tmp/${LOCK}.txt" \
    && rm -rf "$site/tensorflow/include" "$site/tensorflow_core/include" \
    && find "$site" -type d -name tests -prune -exec rm -r '{}' + \
    && find /usr/local -exec touch --no-dereference --date=@0 '{}' + \
    && { python2.7 -m compileall -q "$site" >/dev/null || true; } \
    && find /usr/local -exec touch --no-dereference --date=@0 '{}' +

FROM python AS packages
COPY --from=built /usr/local /usr/local

FROM packages
LABEL org.opencontainers.image.title="tutorial-base" \
      org.opencontainers.image.description="TensorFlow 1.7.0 for Python 2.7, and a server with the contract of UAI-Inference" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY examples/tutorial/server/uai /usr/local/lib/python2.7/dist-packages/uai
COPY examples/tutorial/server/httpserver /ai-ucloud-client-django/httpserver
COPY examples/tutorial/server/gunicorn.conf.py /ai-ucloud-client-django/
ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TF_CPP_MIN_LOG_LEVEL=2
EXPOSE 8080
