"""US3 (formerly UFile), with the person's own keys, where an object of the cluster says that its data is."""

import os

from inference_image_contract import inputs
from inference_image_contract.paths import PUBLIC_KEY_ENV
from inference_image_operator.api import Spec
from inference_image_operator.config.installation import Config
from inference_image_store import Store
from kubectl_inferenceimage.errors import CommandError
from kubectl_inferenceimage.local import keys


class NotAskedError(CommandError):
    """US3 is not asked; the text says what to give."""


def bucket(spec: Spec, config: Config, path: str) -> Store:
    """The object's bucket. `path` is a file with keys; empty for those of the environment.

    Raises NotAskedError without keys, or if the installation does not have the endpoint; CommandError for invalid keys.
    """
    if not path and not os.environ.get(PUBLIC_KEY_ENV):
        raise NotAskedError(f"set {PUBLIC_KEY_ENV} and the private key, or --ufile-keys")
    endpoint = config.endpoint(spec.ufile)
    if endpoint is None:
        raise NotAskedError("the installation has no such endpoint: give --values or --config")
    location = inputs.UFile(bucket=spec.ufile.bucket, scheme=endpoint.scheme, suffix=endpoint.suffix)
    return Store(location, keys.read(path))
