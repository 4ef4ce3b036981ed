"""`render`: the Jobs that would run for a manifest, as a stream of YAML documents, without a cluster."""

from collections.abc import Iterator

import msgspec
import yaml

from inference_image_operator.api.stages import Stage
from inference_image_operator.config.installation import Config
from kubectl_inferenceimage import installation, pipeline, placeholders
from kubectl_inferenceimage.manifest import Image
from kubectl_inferenceimage.pipeline import Step

_OWNER = "the object's uid (zeros) and with it the Job's name"
_RESOLVED = "what Resolve finds: the manifest's key, hashes (zeros), sizes (0, so the disk requests are the least)"
_GRAPH = "what Export makes: the graph's key and SHA-256 (zeros)"
_UNKNOWN = {
    Stage.RESOLVE: (_OWNER,),
    Stage.EXPORT: (_OWNER, _RESOLVED),
    Stage.BUILD: (_OWNER, _RESOLVED, _GRAPH),
    Stage.TEST: (_OWNER, "the image's digest, the step and the content hash in tags (zeros)"),
}
_HEAD = """\
# The Jobs that the operator would create for InferenceImage {namespace}/{name}, one after the other;
# a stage whose result exists already is skipped. The CRD's rules in CEL were not checked: the API server does that.
"""
_IMAGES = "# The images {prefix}* are placeholders: give your installation's with --values or --config.\n"


def render(image: Image, config: Config) -> str:
    """The stream; equal arguments give equal text. Raises CommandError when no Job would run."""
    images = (config.images.build, config.images.export, config.images.kaniko)
    head = _HEAD.format(namespace=image.namespace, name=image.name)
    if any(installation.is_placeholder(name) for name in images):
        head += _IMAGES.format(prefix=installation.PLACEHOLDER)
    return head + "".join(_document(step) for step in _steps(image, config))


def _steps(image: Image, config: Config) -> Iterator[Step]:
    step: Step | None = pipeline.first(image, config)
    while step:
        yield step
        step = pipeline.following(step, placeholders.result(step.stage, image.spec), config)


def _document(step: Step) -> str:
    unknown = "".join(f"#   - {what}\n" for what in _UNKNOWN[step.stage])
    job = yaml.safe_dump(msgspec.to_builtins(step.job), sort_keys=False, width=120, allow_unicode=True)
    return f"---\n# Stage {step.stage}. Placeholders, because they cannot be known without a cluster:\n{unknown}{job}"
