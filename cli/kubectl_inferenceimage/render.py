"""`render`: prints the Jobs that would run for a manifest as a YAML stream, without a cluster."""

from collections.abc import Iterator

import msgspec
import yaml

from inference_image_operator.api.stages import Stage
from inference_image_operator.config.installation import Config
from kubectl_inferenceimage import installation, pipeline, placeholders
from kubectl_inferenceimage.documents import DUMPER
from kubectl_inferenceimage.manifest import Image
from kubectl_inferenceimage.pipeline import PlannedJob

_OWNER = "the object's uid (zeros) and with it the Job's name"
_RESOLVED = "what Resolve finds: the input lock's key, hashes (zeros), sizes (0, so the disk requests are minimal)"
_GRAPH = "what Export produces: the graph's key and SHA-256 (zeros)"
_UNKNOWN = {
    Stage.RESOLVE: (_OWNER,),
    Stage.EXPORT: (_OWNER, _RESOLVED),
    Stage.BUILD: (_OWNER, _RESOLVED, _GRAPH),
    Stage.TEST: (_OWNER, "the image's digest (zeros)"),
    Stage.PUBLISH: (_OWNER, "the image's digest, the step and the content hash in tags (zeros)"),
}
_HEAD = """\
# The Jobs that the operator would create for InferenceImage {namespace}/{name}, one after the other;
# a stage whose result exists already is skipped. Only the API server checks the CRD's rules in CEL.
"""
_IMAGES = "# The images {prefix}* are placeholders: give your installation with --values or --config.\n"


def render(image: Image, config: Config) -> str:
    """The YAML stream; equal arguments give equal text. Raises CommandError when no Job would start."""
    images = (config.images.build, config.images.export, config.images.kaniko)
    head = _HEAD.format(namespace=image.namespace, name=image.name)
    if any(installation.is_placeholder(name) for name in images):
        head += _IMAGES.format(prefix=installation.PLACEHOLDER)
    return head + "".join(_document(run) for run in _runs(image, config))


def _runs(image: Image, config: Config) -> Iterator[PlannedJob]:
    run: PlannedJob | None = pipeline.first(image, config)
    while run:
        yield run
        run = pipeline.following(run, placeholders.result(run.stage, image.spec), config)


def _document(run: PlannedJob) -> str:
    unknown = "".join(f"#   - {what}\n" for what in _UNKNOWN[run.stage])
    job = yaml.dump(msgspec.to_builtins(run.manifest), Dumper=DUMPER, sort_keys=False, width=120, allow_unicode=True)
    return (
        f"---\n# Stage {run.stage}. Placeholders, because these values are unknown without a cluster:\n{unknown}{job}"
    )
