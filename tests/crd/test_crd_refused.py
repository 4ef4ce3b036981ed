"""Manifests that the API server rejects, with field and message: every constraint of the CRD."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

ABSENT = None  # removes the field from the minimal manifest
LONG = "a" * 300


class Refusal(NamedTuple):
    """A change to the minimal manifest, and the field and the message of the error."""

    changes: dict[str, Any]
    field: str
    message: str


def at(path: str, value: Any, message: str, field: str = "") -> Refusal:
    return Refusal({path: value}, f"spec.{field or path}", message)


KEYS = ("model.pipelineConfig", "model.labelMap", "export.frozenGraph.key", "test.sample")
PREFIXES = ("model.prefix", "export.outputPrefix", "source.ufile.prefix")
PATHS = ("source.dockerfile", "source.checkpointDir")
TIMEOUTS = ("export.timeout", "build.timeout", "test.timeout")
RESOURCES = ("export.resources", "build.resources", "test.resources")
NAMES = ("ufile.secretRef.name", "image.pushSecretRef.name", "image.caSecretRef.name")

ONE_CONTROL = "must not contain control characters or line breaks"
ONE_SLASH = "must not start with '/' or contain '//'"
ONE_DOTS = "must not contain '.' or '..' as a path segment"
ONE_URL = "must not contain '?', '#', '%' or a backslash: not every tool of US3 encodes such keys"
ONE_BYTES = "must not be longer than 1023 bytes in UTF-8"
ONE_FILE = "must name a file: it must not be empty or end with '/'"
ONE_PREFIX = "must end with '/': a prefix names a folder"
ONE_PATH = "must name a file or folder: it must not be empty or end with '/'"
ONE_NAME = "must be a valid object name: lower-case letters, digits, hyphens and dots"
ONE_DURATION = "must be a duration such as 90s, 30m or 1h30m"
ONE_URL_PATH = "must be a URL path: it must start with '/' and must not contain spaces or control characters"
ONE_SOURCE = "set exactly one of ufile, configMap and git"
ONE_OF_UFILE = "set exactly one of prefix (the folder of the code in US3) and archive"
ONE_URL_OF_GIT = "must be https://host/path or ssh://user@host/path (not user@host:path); credentials go into secretRef"
ONE_REF = "must be the name of a branch or tag, or a full commit hash"
ONE_ARCHIVE = "must be the key of an archive, ending with .tar.gz, .tgz or .zip"
ONE_TAG = (
    "a tag consists of letters, digits, '_', '.', '-', {step} and {contentHash}, and must not start with '.' or '-'"
)
ONE_LENGTH = "a tag has at most 128 characters, counting 19 for {step} and 12 for {contentHash}"
ONE_REPOSITORY = (
    "must be host[:port]/path, with path segments of lower-case letters and digits separated by '.', '_', '__' or '-'"
)
ONE_HOST = "must start with the host of the registry, such as uhub.ucloud.cn/demo/object-detect-infer"
ONE_BUCKET = "must be 3 to 63 lower-case letters, digits or hyphens, with no hyphen at either end"
ONE_SUFFIX = "must be a dot and a lower-case host name, optionally with :port, such as .cn-bj.ufileos.com"
ONE_PLAIN = (
    "the internal hosts of US3 do not support TLS: set scheme to http, "
    "or set region and network Internal in place of endpoint"
)
ONE_MODEL = "set exactly one of model.checkpoint and export.frozenGraph"
REQUIRED = "Required value"
ONE_CHECKPOINT = (
    "set exactly one of step (such as 200000 for model.ckpt-200000), policy (Latest) and name (of a checkpoint without "
    "a step, such as model.ckpt)"
)
ONE_NAME_OF_FILES = "must be the name of files directly under model.prefix, without '/'"
ONE_WITHOUT_STEP = "must not contain a step: set step in place of name for model.ckpt-<step>"
ONE_BEGINNING = "must not contain the end of a file name, such as .index: name is their common beginning"
ONE_POLLED = "poll requires policy Latest: a step or a name never changes"
CHOICES = ({}, {"step": 1, "policy": "Latest"}, {"step": 1, "name": "a"}, {"policy": "Latest", "name": "a"})
ONE_POLL = "must be between 1m and 720h"

REFUSED: list[Refusal] = [
    # required fields
    *(at(path, ABSENT, REQUIRED) for path in ("ufile", "model", "source", "image")),
    *(at(path, ABSENT, REQUIRED) for path in ("ufile.bucket", "ufile.secretRef")),
    *(at(path, ABSENT, REQUIRED) for path in ("model.labelMap",)),
    *(at(path, ABSENT, REQUIRED) for path in ("image.repository", "image.tags")),
    at("ufile.secretRef", {}, REQUIRED, "ufile.secretRef.name"),
    at("image.pushSecretRef", {}, REQUIRED, "image.pushSecretRef.name"),
    at("image.caSecretRef", {}, REQUIRED, "image.caSecretRef.name"),
    # UFile
    *(at("ufile.bucket", bucket, ONE_BUCKET) for bucket in ("ab", "-ab", "ab-", "Bucket", "a.b", "a_b")),
    at("ufile.bucket", "a" * 64, "may not be more than 63"),
    *(at("ufile.region", region, "must be the name of a region, such as cn-bj") for region in ("", "a.b", "cn/bj")),
    at("ufile.region", "a" * 64, "may not be more than 63"),
    at("ufile.region", ABSENT, "set exactly one of region and endpoint", "ufile"),
    at("ufile.endpoint", {"suffix": ".a"}, "set exactly one of region and endpoint", "ufile"),
    at("ufile.endpoint", {}, REQUIRED, "ufile.endpoint.suffix"),
    *(
        at("ufile.endpoint.suffix", suffix, ONE_SUFFIX)
        for suffix in ("a.com", ".a..b", ".A", ".a/b", ".a:x", ".a@b", ".a:123456", ".")
    ),
    at("ufile.endpoint.suffix", "." + "a" * 180, "may not be more than 180"),
    at("ufile.endpoint", {"suffix": ".a", "scheme": "file"}, "Unsupported value", "ufile.endpoint.scheme"),
    *(
        Refusal({"ufile.region": ABSENT, "ufile.endpoint": endpoint}, "spec.ufile.endpoint", ONE_PLAIN)
        for suffix in (
            ".internal-cn-wlcb.ufileos.com",
            ".internal-hk-01.ufileos.com:443",
            ".ufile.cn-north-02.ucloud.cn",
        )
        for endpoint in ({"suffix": suffix}, {"suffix": suffix, "scheme": "https"})
    ),
    *(at("ufile.network", network, "Unsupported value") for network in ("", "internal", "VPC")),
    Refusal(
        {"ufile.region": ABSENT, "ufile.endpoint": {"suffix": ".a"}, "ufile.network": "Public"},
        "spec.ufile",
        "network can only be set together with region: an endpoint already implies its network",
    ),
    *(at("ufile.restore", tier, "Unsupported value") for tier in ("", "standard", "Bulk")),
    *(at(path, name, ONE_NAME) for path in NAMES for name in ("", "A", "a/b", "../a", "a_b", "-a", "a..b")),
    *(at(path, LONG, "may not be more than 253") for path in NAMES),
    # model
    *(at(path, "a\nb/", ONE_CONTROL) for path in (*PREFIXES, *KEYS, *PATHS)),
    *(at(path, "a\x00/", ONE_CONTROL) for path in (*PREFIXES, *KEYS, *PATHS)),
    *(at(path, "a\u2028/", ONE_CONTROL) for path in (*PREFIXES, *KEYS, *PATHS)),
    *(at(path, value, ONE_SLASH) for path in (*PREFIXES, *KEYS, *PATHS) for value in ("/a/", "a//b/")),
    *(at(path, f"{value}/", ONE_DOTS) for path in PREFIXES for value in ("..", ".", "a/../b", "./a")),
    *(at(path, value, ONE_DOTS) for path in (*KEYS, *PATHS) for value in ("..", ".", "a/../b", "a/.", "./a")),
    *(at(path, f"a{sign}b/", ONE_URL) for path in (*PREFIXES, *KEYS) for sign in "?#%\\"),
    *(at(path, value, ONE_PREFIX) for path in PREFIXES for value in ("", "a", "a/b.c")),
    *(at(path, "a" * 901, "may not be more than 900") for path in PREFIXES),
    *(at(path, "好" * 342 + "/", ONE_BYTES) for path in PREFIXES),
    *(at(path, "好" * 342, ONE_BYTES) for path in KEYS if path != "model.pipelineConfig"),
    *(at(path, value, ONE_FILE) for path in KEYS for value in ("", "a/")),
    *(at(path, "a" * 1024, "may not be more than 1023") for path in ("model.labelMap", "test.sample")),
    at("model.pipelineConfig", "a" * 513, "may not be more than 512"),
    at("model.pipelineConfig", "好" * 500, ONE_BYTES),
    at("model.checkpoint.step", -1, "should be greater than or equal to 0"),
    at("model.checkpoint.step", "1", "must be of type integer"),
    *(at("model.checkpoint", value, ONE_CHECKPOINT) for value in CHOICES),
    *(at("model.checkpoint.name", name, ONE_NAME_OF_FILES) for name in ("a/b", "/model.ckpt", "a/", ".", "..")),
    *(at("model.checkpoint.name", name, ONE_WITHOUT_STEP) for name in ("model.ckpt-0", "model.ckpt-200000")),
    *(at("model.checkpoint.name", f"a{end}", ONE_BEGINNING) for end in (".index", ".meta", ".data-00000-of-00001")),
    *(at("model.checkpoint.name", f"a{sign}b", ONE_URL) for sign in "?#%\\"),
    at("model.checkpoint.name", "a\nb", ONE_CONTROL),
    at("model.checkpoint.name", "", "should be at least 1 chars long"),
    at("model.checkpoint.name", "a" * 201, "may not be more than 200"),
    at("model.checkpoint", {"name": "model.ckpt", "poll": "10m"}, ONE_POLLED, "model.checkpoint"),
    at("model.checkpoint", {"policy": "Latest", "waitFor": "1h"}, "waitFor requires poll", "model.checkpoint"),
    *(
        at("model.checkpoint", {"policy": "Latest", "poll": "1m", "waitFor": wait}, rule, "model.checkpoint.waitFor")
        for wait, rule in (("59s", ONE_POLL), ("721h", ONE_POLL), ("1d", ONE_DURATION))
    ),
    at("model.checkpoint.policy", "Oldest", "Unsupported value"),
    at("model.checkpoint.policy", "", "Unsupported value"),
    at("model.checkpoint.poll", "10m", ONE_POLLED, "model.checkpoint"),
    *(
        at("model.checkpoint", {"policy": "Latest", "poll": poll}, ONE_POLL, "model.checkpoint.poll")
        for poll in ("59s", "0s", "1ms", "721h")
    ),
    *(
        at("model.checkpoint", {"policy": "Latest", "poll": poll}, ONE_DURATION, "model.checkpoint.poll")
        for poll in ("", "10", "m", "10m ", "-10m", "1d", "$(id)", "10m\n")
    ),
    at(
        "model.checkpoint",
        {"policy": "Latest", "poll": "1" * 20 + "m"},
        "may not be more than 20",
        "model.checkpoint.poll",
    ),
    # export
    at("export.inputType", "image", "Unsupported value"),
    *(
        at("export.formats", formats, "must contain FrozenGraph: the other formats are converted from it")
        for formats in ([], ["ONNX"], ["SavedModel", "ONNX"])
    ),
    *(
        Refusal(
            {"export.formats": ["FrozenGraph", "ONNX"], "export.inputType": input_type},
            "spec.export",
            "ONNX requires inputType image_tensor: ONNX has no operators that decode image files",
        )
        for input_type in ("encoded_image_string_tensor", "tf_example")
    ),
    *(
        Refusal(
            {"export.readableBy": "1.15", "export.inputType": input_type},
            "spec.export",
            "readableBy 1.x requires inputType image_tensor: TensorFlow 1 lacks the ops of the other input types",
        )
        for input_type in ("encoded_image_string_tensor", "tf_example")
    ),
    *(
        at("export.readableBy", text, "must be a TensorFlow release, 1.7 or later, such as 1.7, 1.15 or 2.4")
        for text in ("1.6", "2", "1.16", "v2.1")
    ),
    at("export.frozenGraph", {}, REQUIRED, "export.frozenGraph.key"),
    Refusal({"export.frozenGraph": {"key": "a.pb"}}, "spec", ONE_MODEL),
    Refusal({"model.checkpoint": ABSENT}, "spec", ONE_MODEL),
    Refusal(
        {"model.checkpoint": ABSENT, "export.frozenGraph": {"key": "a.pb"}, "image.tags": ["v{step}"]},
        "spec",
        "an imported graph (export.frozenGraph) has no step: use {contentHash} in image.tags in place of {step}",
    ),
    Refusal(
        {"model.checkpoint": {"name": "model.ckpt"}, "image.tags": ["latest", "v{step}"]},
        "spec",
        "a named checkpoint (model.checkpoint.name) has no step: use {contentHash} in image.tags in place of {step}",
    ),
    at("model.prefix", ABSENT, "set prefix to the folder in US3 that holds the checkpoint", "model"),
    at("export.formats", ["TFLite"], "Unsupported value", "export.formats[0]"),
    at("export.formats", ["FrozenGraph", "FrozenGraph"], "Duplicate value", "export.formats[1]"),
    at("export.formats", ["FrozenGraph", "ONNX", "SavedModel", "ONNX"], "must have at most 3 items"),
    *(at(path, text, ONE_DURATION) for path in TIMEOUTS for text in ("", "5", "1d", "-1s", "1.5h", "1h ", "1h\n")),
    *(at(path, text, "must be between 1s and 24h") for path in TIMEOUTS for text in ("0s", "999ms", "24h1ms")),
    *(at(path, "1s" * 11, "may not be more than 20") for path in TIMEOUTS),
    *(
        at(f"{path}.{kind}", {"nvidia.com/gpu": 1}, "only cpu, memory and ephemeral-storage can be set")
        for path in RESOURCES
        for kind in ("requests", "limits")
    ),
    *(
        at(f"{path}.requests", {"cpu": value}, "should match", f"{path}.requests.cpu")
        for path in RESOURCES
        for value in ("-1", "1 Gi", "1e3", "")
    ),
    *(at(f"{path}.limits", {"cpu": -1}, "greater than or equal to 0", f"{path}.limits.cpu") for path in RESOURCES),
    *(at(f"{path}.limits", {"cpu": "1" * 21}, "may not be more than 20", f"{path}.limits.cpu") for path in RESOURCES),
    *(at(f"{path}.limits", dict.fromkeys("abcd", 1), "must have at most 3 items") for path in RESOURCES),
    *(
        at(
            path,
            {"requests": {"memory": "2Gi"}, "limits": {"memory": "2G"}},
            "a request must not be greater than its limit",
        )
        for path in RESOURCES
    ),
    # source
    at("source.ufile", ABSENT, ONE_SOURCE, "source"),
    at("source.configMap", {"name": "code"}, ONE_SOURCE, "source"),
    at("source.git", {"url": "https://example.com/a.git"}, ONE_SOURCE, "source"),
    at("source.git", {}, REQUIRED, "source.git.url"),
    *(
        at("source.git", {"url": url}, ONE_URL_OF_GIT, "source.git.url")
        for url in (
            "",
            "http://example.com/a",
            "git://example.com/a",
            "file:///a",
            "git@example.com:a/b.git",
            "https://user@example.com/a",
            "https://user:password@example.com/a",
            "https://example.com",
            "https://example.com/../a",
            "https://EXAMPLE.com/a",
            "https://example.com/a b",
            "https://example.com/a\n",
            "https://example.com/$(id)",
            "ssh://git@example.com:0/a",
            "ssh://-oProxyCommand=x@example.com/a" + "x" * 64,
        )
    ),
    *(
        at("source.git", {"url": "https://example.com/a", "ref": ref}, ONE_REF, "source.git.ref")
        for ref in ("", "-x", "a..b", "a b", "/a", "a/", "a\n", "$(id)")
    ),
    at(
        "source.git",
        {"url": "https://example.com/a", "ref": "0" * 40, "poll": "10m"},
        "poll requires a branch or a tag: a commit never changes",
    ),
    at("source.git", {"url": "https://example.com/a", "poll": "59s"}, ONE_POLL, "source.git.poll"),
    at("source.git", {"url": "https://example.com/a", "poll": "1d"}, ONE_DURATION, "source.git.poll"),
    at("source.git.poll", "1" * 20 + "m", "may not be more than 20"),
    at("source.git", {"url": "https://example.com/a", "path": "../a"}, ONE_DOTS, "source.git.path"),
    at("source.git", {"url": "https://example.com/a", "secretRef": {}}, REQUIRED, "source.git.secretRef.name"),
    at("source.git.url", "a" * 1024, "may not be more than 1023"),
    at("source.git.ref", "a" * 256, "may not be more than 255"),
    at("source.git.path", "a" * 513, "may not be more than 512"),
    at("source.ufile", {}, ONE_OF_UFILE),
    at("source.ufile.archive", "code.zip", ONE_OF_UFILE, "source.ufile"),
    *(
        at("source.ufile", {"archive": key}, ONE_ARCHIVE, "source.ufile.archive")
        for key in ("", "code", "code.tar", "code.zip/", "code.tar.xz")
    ),
    at("source.ufile", {"archive": "../code.zip"}, ONE_DOTS, "source.ufile.archive"),
    at("source.ufile.archive", "a" * 1024, "may not be more than 1023"),
    at("source.configMap", {}, REQUIRED, "source.configMap.name"),
    at("source.configMap", {"name": "A"}, ONE_NAME, "source.configMap.name"),
    *(
        at(
            "source.configMap",
            {"name": "code", "items": [{"key": key, "path": "a"}]},
            "must be a valid ConfigMap key: letters, digits, '-', '_' and '.'",
            "source.configMap.items[0].key",
        )
        for key in ("", ".", "..", "..a", "a/b", "a b")
    ),
    *(
        at(
            "source.configMap",
            {"name": "c", "items": [{"key": "a", "path": path}]},
            text,
            "source.configMap.items[0].path",
        )
        for path, text in (
            ("../a", ONE_DOTS),
            ("/a", ONE_SLASH),
            ("a\n", ONE_CONTROL),
            ("", ONE_PATH),
            ("a" * 513, "512"),
        )
    ),
    at("source.configMap", {"name": "c", "items": [{"key": "a"}]}, REQUIRED, "source.configMap.items[0].path"),
    at("source.configMap", {"name": "c", "items": [{"path": "a"}]}, REQUIRED, "source.configMap.items[0].key"),
    at(
        "source.configMap",
        {"name": "c", "items": [{"key": "a", "path": "x"}, {"key": "b", "path": "x"}]},
        "Duplicate value",
        "source.configMap.items[1]",
    ),
    at(
        "source.configMap",
        {"name": "c", "items": [{"key": "a", "path": f"p{n}"} for n in range(101)]},
        "must have at most 100 items",
        "source.configMap.items",
    ),
    *(at(path, value, ONE_PATH) for path in PATHS for value in ("", "a/")),
    *(at(path, "a\\b", "must not contain a backslash") for path in PATHS),
    *(at(path, "a" * 513, "may not be more than 512") for path in PATHS),
    # build
    *(
        at("build.args", {name: "1"}, "names must be valid ARG names: at most 128 letters, digits and '_'")
        for name in ("", "1A", "A-B", "A=B", "--X", "A\n", "A" * 129)
    ),
    at("build.args", {"A": "1\n--privileged"}, ONE_CONTROL, "build.args[A]"),
    at("build.args", {"A": "1" * 1025}, "may not be more than 1024", "build.args.A"),
    at("build.args", {f"A{n}": "" for n in range(33)}, "must have at most 32 items"),
    at("build.builder", "Docker", 'supported values: "Kaniko", "Append"'),
    at(
        "build",
        {"builder": "Append", "cache": {"enabled": True}},
        "cache requires the builder Kaniko: the Append builder runs no commands, so there is nothing to cache",
        "build.cache",
    ),
    *(
        at("build.cache.repository", value, "must be host[:port]/path in lower case, without a tag or a digest")
        for value in ("a", "h.test/A", "h.test/a:t", "h.test/a@sha256:" + "0" * 64, "https://h.test/a", "h.test/a b")
    ),
    # image
    *(
        at("image.repository", value, "must not contain '@': write it without a digest or a user")
        for value in ("h.test/a@sha256:" + "0" * 64, "user@h.test/a", "h.test/a:t@sha256:" + "0" * 64)
    ),
    *(at("image.repository", value, "must be lower case") for value in ("h.test/A", "H.test/a")),
    *(at("image.repository", value, ONE_HOST) for value in ("", "a", "library/python", "/a.b", "localhost/a")),
    at("image.repository", "h.test/a:latest", "must not contain a tag: use the field tags"),
    *(
        at("image.repository", value, ONE_REPOSITORY)
        for value in (
            "https://h.test/a",
            "h.test/a/",
            "h.test//a",
            "h.test/../a",
            "h.test/a b",
            "h.test/a\n",
            "h.test:port/a",
            ".test/a",
            "h.test/-a",
            "h.test/a___b",
            "--flag.x/a",
            "h.test/$(x)",
            "[::1]:5000/a",
        )
    ),
    at("image.repository", "h.test/" + "a" * 249, "may not be more than 255"),
    *(at("image.tags", [tag], ONE_TAG, "image.tags[0]") for tag in ("", ".a", "-a", "a b", "a:b", "a@b", "a\n", "好")),
    *(at("image.tags", [tag], ONE_TAG, "image.tags[0]") for tag in ("{Step}", "{step", "-{step}", "{{step}}", "{}")),
    at("image.tags", ["a" * 110 + "{step}"], ONE_LENGTH, "image.tags[0]"),
    at("image.tagPolicy", "refuse", "Unsupported value"),
    *(
        at("image.pin", pin, "must be a digest of status.history: sha256: and 64 hexadecimal digits")
        for pin in ("", "latest", "a" * 64, "sha256:" + "A" * 64, "sha256:" + "a" * 63)
    ),
    *(
        at("rollout", value, "set exactly one of deployment, inferenceService and configMap")
        for value in (
            {},
            {"deployment": {"name": "a", "container": "b"}, "configMap": {"name": "a"}},
            {"inferenceService": {"name": "a"}, "configMap": {"name": "a"}},
            {"deployment": {"name": "a", "container": "b"}, "inferenceService": {"name": "a"}},
        )
    ),
    at("rollout", {"deployment": {"name": "a"}}, REQUIRED, "rollout.deployment.container"),
    at("rollout", {"deployment": {"name": "A", "container": "b"}}, ONE_NAME, "rollout.deployment.name"),
    at(
        "rollout",
        {"deployment": {"name": "a", "container": "b.c"}},
        "must be the name of a container: lower-case letters, digits and hyphens",
        "rollout.deployment.container",
    ),
    at("rollout", {"inferenceService": {}}, REQUIRED, "rollout.inferenceService.name"),
    at("rollout", {"inferenceService": {"name": "a_b"}}, ONE_NAME, "rollout.inferenceService.name"),
    at("rollout", {"configMap": {"name": "a", "key": "a/b"}}, "must be a valid ConfigMap key", "rollout.configMap.key"),
    at("rollout", {"configMap": {"name": "a"}, "timeout": "1"}, ONE_DURATION, "rollout.timeout"),
    *(
        at("image.additionalRepositories", [value], words, "image.additionalRepositories[0]")
        for value, words in (
            ("h.test/A", "must be lower case"),
            ("h.test/a:t", "must not contain a tag"),
            ("a", ONE_HOST),
        )
    ),
    at("image.additionalRepositories", ["h.test/a", "h.test/a"], "Duplicate value", "image.additionalRepositories[1]"),
    at("image.additionalRepositories", [f"h.test/{n}" for n in range(9)], "must have at most 8 items"),
    at("image.tags", ["a" * 129], "may not be more than 128", "image.tags[0]"),
    at(
        "image.tags",
        ["content-a"],
        "tags that start with 'content-' are reserved for the operator: choose another tag",
        "image.tags[0]",
    ),
    at("image.tags", [], "should have at least 1 items"),
    at("image.tags", [f"t{n}" for n in range(17)], "must have at most 16 items"),
    at("image.tags", ["a", "a"], "Duplicate value", "image.tags[1]"),
    # test
    *(at("test.port", port, "should be") for port in (0, 65536)),
    *(at("test.expect.status", status, "should be") for status in (99, 600)),
    at("test.expect.fields", [{"equals": 1}], REQUIRED, "test.expect.fields[0].path"),
    at("test.expect.fields", [{"path": "/a", "equals": True}], "must be of type", "test.expect.fields[0].equals"),
    at("test.expect.fields", [{"path": "/a", "equals": [1]}], "must be of type", "test.expect.fields[0].equals"),
    at("test.expect.fields", [{"path": "/a", "equals": "a\nb"}], "should match", "test.expect.fields[0].equals"),
    at("test.expect.fields", [{"path": "", "equals": "a" * 513}], "may not be more", "test.expect.fields[0].equals"),
    at("test.expect.fields", [{"path": "/a"}, {"path": "/a"}], "Duplicate value", "test.expect.fields[1]"),
    *(
        at(
            "test.expect.fields",
            [{"path": path}],
            "must be a JSON pointer: each token starts with '/', and '~' is only used in ~0 and ~1",
            "test.expect.fields[0].path",
        )
        for path in ("a", "/a~", "/a~2", "a/b")
    ),
    at("test.matchGraph", "yes", "must be of type boolean"),
    *(
        at(path, value, ONE_URL_PATH)
        for path in ("test.path", "test.readyPath")
        for value in ("", "service", "/a b", "/a\r\nHost: x", "/#a", "/\u00e9")
    ),
    *(at(path, "/" + LONG, "may not be more than 256") for path in ("test.path", "test.readyPath")),
    # retry, time to live
    *(at("retry.limit", limit, "should be") for limit in (-1, 11)),
    at("ttlAfterFinished", "1d", ONE_DURATION),
    *(
        at(
            "ttlAfterFinished",
            text,
            "must be between 24h and 8760h: the operator reads the results of its Jobs after a restart",
        )
        for text in ("0s", "23h59m", "8761h")
    ),
    at("ttlAfterFinished", "1s" * 11, "may not be more than 20"),
    # scheduling
    *(
        at("scheduling.queueName", name, "must be the name of a LocalQueue: lower-case letters, digits and hyphens")
        for name in ("Q", "-q", "q.r", "q_r", "q\n")
    ),
    at("scheduling.queueName", "q" * 64, "may not be more than 63"),
    *(
        at("scheduling.nodeSelector", {name: "a"}, "keys must be valid label names, such as kubernetes.io/arch")
        for name in ("", "a b", "/a", "a/", "-a", "A.com/a", "a" * 318)
    ),
    at("scheduling.nodeSelector", {"a": "b c"}, "must be a valid label value", "scheduling.nodeSelector[a]"),
    at("scheduling.nodeSelector", {"a": "b" * 64}, "may not be more than 63", "scheduling.nodeSelector.a"),
    at("scheduling.nodeSelector", {f"a{n}": "" for n in range(17)}, "must have at most 16 items"),
    *(
        at(f"podMetadata.{kind}", {name: "a"}, "keys must be valid names, such as sidecar.istio.io/inject")
        for kind in ("labels", "annotations")
        for name in ("", "a b", "/a", "a/", "-a", "A.com/a", "a..b/c", "a/b/c", "a" * 64, f"{'a' * 254}/{'b' * 63}")
    ),
    *(
        at("podMetadata.labels", {name: "a"}, "must not contain a label that the operator or the Job controller sets")
        for name in ("uai.ucloud.cn/uid", "app.kubernetes.io/managed-by", "job-name", "batch.kubernetes.io/job-name")
    ),
    at("podMetadata.labels", {"a": "b c"}, "must be a valid label value", "podMetadata.labels[a]"),
    at("podMetadata.labels", {f"a{n}": "" for n in range(17)}, "must have at most 16 items"),
    at("podMetadata.annotations", {f"a{n}": "" for n in range(17)}, "must have at most 16 items"),
    at("podMetadata.annotations", {"a": "b" * 4097}, "may not be more than 4096", "podMetadata.annotations.a"),
    at(
        "resources.resolve",
        {"limits": {"gpu": 1}},
        "only cpu, memory and ephemeral-storage",
        "resources.resolve.limits",
    ),
    at(
        "resources.probe",
        {"requests": {"cpu": 2}, "limits": {"cpu": 1}},
        "a request must not be greater than its limit",
    ),
    at("scheduling.tolerations", [{}] * 17, "must have at most 16 items"),
    at("scheduling.tolerations", [{"operator": "Lt"}], "Unsupported value", "scheduling.tolerations[0].operator"),
    at("scheduling.tolerations", [{"effect": "No"}], "Unsupported value", "scheduling.tolerations[0].effect"),
    *(
        at(f"scheduling.{path}", name, ONE_NAME)
        for path in ("priorityClassName", "runtimeClassName")
        for name in ("", "A", "a/b")
    ),
    *(at(f"scheduling.{path}", LONG, "253") for path in ("priorityClassName", "runtimeClassName")),
    at("scheduling.imagePullSecrets", [{"name": "A"}], ONE_NAME, "scheduling.imagePullSecrets[0].name"),
    at("scheduling.imagePullSecrets", [{}], REQUIRED, "scheduling.imagePullSecrets[0].name"),
    at("scheduling.imagePullSecrets", [{"name": "a"}] * 2, "Duplicate value", "scheduling.imagePullSecrets[1]"),
    at("scheduling.imagePullSecrets", [{"name": f"a{n}"} for n in range(9)], "must have at most 8 items"),
    at(
        "scheduling.affinity",
        {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{}]}},
        REQUIRED,
        "scheduling.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey",
    ),
    at(
        "scheduling.affinity",
        {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 101, "preference": {}}]}},
        "should be less than or equal to 100",
        "scheduling.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight",
    ),
]

NOT_IN_THE_API = (
    "serviceAccountName",
    "hostPath",
    "privileged",
    "kanikoArgs",
    "securityContext",
    "command",
    "namespace",
)


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: f"{row.changes!s:.80}-{row.message:.30}")
def test_refused(server: Any, manifest_with: Callable[..., Any], refused: Any, row: Refusal) -> None:
    with pytest.raises(refused) as caught:
        server.create(manifest_with(row.changes))
    assert [1 for field, message in caught.value.causes if field == row.field and row.message in message], (
        f"expected {row.field}: {row.message}; got {caught.value.causes}"
    )


@pytest.mark.parametrize("name", NOT_IN_THE_API)
@pytest.mark.parametrize("place", ["", "export.", "build.", "image.", "test.", "scheduling."])
def test_a_field_that_would_grant_privileges_does_not_exist(
    server: Any, manifest_with: Callable[..., Any], refused: Any, name: str, place: str
) -> None:
    with pytest.raises(refused, match="unknown field"):
        server.create(manifest_with({f"{place}{name}": "x"}))


def test_every_rule_of_the_crd_has_a_row_that_it_rejects(crd: dict[str, Any]) -> None:
    messages = {rule["message"] for rule in _rules(crd)}
    assert messages - {row.message for row in REFUSED} == set()


def _rules(node: Any) -> list[dict[str, Any]]:
    if isinstance(node, list):
        return [rule for item in node for rule in _rules(item)]
    if not isinstance(node, dict):
        return []
    return node.get("x-kubernetes-validations", []) + [rule for value in node.values() for rule in _rules(value)]
