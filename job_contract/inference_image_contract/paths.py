"""Paths and environment variables inside the pods of a Job.

The workspace must not exist in any image: Kaniko skips mounts, so it would hide the image's own files there.
"""

INPUT_ENV = "INFERENCE_IMAGE_INPUT"
RESULT_ENV = "INFERENCE_IMAGE_RESULT"  # tests point it elsewhere; pods leave it unset
RESULT_PATH = "/dev/termination-log"

POD_IP_ENV = "INFERENCE_IMAGE_POD_IP"  # of the probe's own pod, from the downward API

PUBLIC_KEY_ENV = "UFILE_PUBLIC_KEY"
PRIVATE_KEY_ENV = "UFILE_PRIVATE_KEY"
SECURITY_TOKEN_ENV = "UFILE_SECURITY_TOKEN"  # noqa: S105 - the name of a variable; set for temporary keys only
UFILE_KEY_ENVS = (PUBLIC_KEY_ENV, PRIVATE_KEY_ENV, SECURITY_TOKEN_ENV)
"""Processes that a step starts must not inherit these."""

WORKSPACE = "/inference-image"
WORKSPACE_ENV = "INFERENCE_IMAGE_WORKSPACE"  # tests and the plugin point it elsewhere; pods leave it unset
CONTEXT = WORKSPACE + "/context"
DOCKERFILE = WORKSPACE + "/Dockerfile"  # the pinned copy that `assemble` writes; outside the context
DIGEST_FILE = WORKSPACE + "/digest"
DEPOT = "/inference-image-depot"  # a volume of its own, which the builder does not mount
DEPOT_HOST, DEPOT_PORT = "127.0.0.1", 61999  # where `depot` serves it; above the ports that Linux gives to clients
NAMES = "/inference-image-names"  # copies of hosts and resolv.conf for the builder, which may write to them
EXPORT = WORKSPACE + "/export"  # what `download` hands to `export`, and `export` to `upload`
SAMPLE = WORKSPACE + "/sample"  # what `sample` hands to `answer` and `probe`
PICTURE = SAMPLE + "/sample"
GRAPH_ANSWER = WORKSPACE + "/answer.json"  # the frozen graph's answer on the sample

REGISTRY_AUTH = "/var/run/inference-image/registry/config.json"
BUILDER_AUTH = "/inference-image-login/config.json"  # the login for the builder's cache, which `pull` writes
REGISTRY_CA = "/inference-image-ca/ca.crt"  # not below /var/run: Kaniko could not make the link that images have there
UFILE_CA = "/var/run/inference-image/ufile-ca/ca.crt"
CONFIG_MAP_SOURCE = "/var/run/inference-image/source"
GIT_SECRET = "/var/run/inference-image/git"  # noqa: S105 - a folder; the files in it are those of the Secret
DOWNLOAD = "/var/run/inference-image/download"  # scratch space, mounted when the source is an archive or Git
