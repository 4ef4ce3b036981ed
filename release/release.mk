# Builds what users install: the images, and the files of a release.
.PHONY: images release test-release

IMAGE_FLAGS = --registry='$(REGISTRY)' --tool='$(TOOL)' --base-image='$(BASE_IMAGE)' --only='$(ONLY)' \
	--build-flags='$(BUILD_FLAGS)' --push-flags='$(PUSH_FLAGS)'

images: setup ## build all images: REGISTRY=host/path [PUSH=1] [TOOL=podman], see docs/operations/install.md
	@$(PY) -m release images $(IMAGE_FLAGS) $(if $(filter-out 0,$(PUSH)),--push)

release: setup ## build the files of a release in out/release: [REGISTRY=host/path] [IMAGES=1], see docs/releasing.md
	@$(PY) -m release files $(IMAGE_FLAGS) $(if $(filter-out 0,$(IMAGES)),--images) \
		$(if $(VALUES),--values='$(VALUES)') --tag='$(TAG)'

test-release: packages ## test images with buildah and podman, a release twice, its files on an API server (needs root)
	@command -v podman >/dev/null || { apt-get update -q && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends podman; } >/dev/null
	@$(PY) -m pytest -q tests/release
