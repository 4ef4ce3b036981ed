# The Kaniko executor, built from its Go module. Build context: a folder with the program as `executor`.
# BASE_IMAGE gives the CA certificates alone. A release names it by digest, because python:3.13-slim moves.
ARG BASE_IMAGE=python:3.13-slim

FROM ${BASE_IMAGE} AS base

FROM scratch
COPY executor /kaniko/executor
COPY --from=base /etc/ssl/certs/ca-certificates.crt /kaniko/ssl/certs/ca-certificates.crt
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/kaniko \
    HOME=/root \
    USER=root \
    SSL_CERT_DIR=/kaniko/ssl/certs \
    DOCKER_CONFIG=/kaniko/.docker/
WORKDIR /workspace
ENTRYPOINT ["/kaniko/executor"]
LABEL org.opencontainers.image.title="kaniko" \
      org.opencontainers.image.description="The Kaniko executor, built from its Go module" \
      org.opencontainers.image.licenses="Apache-2.0"
