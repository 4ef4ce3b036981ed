.PHONY: test-laptop
test-laptop: packages ## test build --local on podman with the real Kaniko (needs root)
	@command -v podman >/dev/null || { apt-get update -q && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends podman; } >/dev/null
	@$(PY) -m pytest -q tests/laptop
