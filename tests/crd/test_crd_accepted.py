"""Manifests that the API server accepts: valid values for every constraint of the CRD, including bounds."""

from collections.abc import Callable
from typing import Any

import pytest

ABSENT = None  # removes the field from the minimal manifest

ENDPOINT = {"ufile.region": ABSENT}
CONFIG_MAP = {"source.ufile": ABSENT}
READY_GRAPH = {"model.checkpoint": ABSENT, "export.frozenGraph": {"key": "models/frozen_inference_graph.pb"}}

ACCEPTED: list[dict[str, Any]] = [
    {},
    {"suspend": True},
    {"ufile.bucket": "127"},
    {"ufile.bucket": "a" * 63},
    *({"ufile.region": region} for region in ("cn-sh2", "idn-jakarta", "hk", "of-a-private-cloud")),
    *({"ufile.network": network} for network in ("Public", "Internal")),
    *({"ufile.restore": tier} for tier in ("Expedited", "Standard")),
    *(
        ENDPOINT | {"ufile.endpoint": {"scheme": "http", "suffix": suffix}, "ufile.restore": "Standard"}
        for suffix in (".internal-cn-gd-02.ufileos.com", ".ufile.cn-north-02.ucloud.cn:80")
    ),
    ENDPOINT | {"ufile.endpoint": {"scheme": "https", "suffix": ".internal-us3.example.com"}},
    ENDPOINT | {"ufile.endpoint": {"suffix": ".cn-bj.ufileos.com"}},
    ENDPOINT | {"ufile.endpoint": {"scheme": "http", "suffix": ".ufile.devcluster.test:8080"}},
    {"ufile.secretRef.name": "team-a.ufile"},
    {"model.prefix": "训练/output v2/"},
    {"model.prefix": "a..b/...c/"},
    {"model.checkpoint.step": 0},
    {"model.checkpoint": {"policy": "Latest"}},
    *(
        {"model.checkpoint": {"name": name}, "image.tags": ["latest", "{contentHash}"]}
        for name in ("model.ckpt", "best-300", "ckpt", "model.ckpt-08", "模型")
    ),
    {"model.checkpoint": {"policy": "Latest", "poll": "10m", "waitFor": "48h"}},
    *({"model.checkpoint": {"policy": "Latest", "poll": poll}} for poll in ("1m", "90s", "60000ms", "1h30m", "720h")),
    {"model.pipelineConfig": "configs/pipeline.config"},
    {"model.labelMap": "k" * 1023},
    {"export.inputType": "encoded_image_string_tensor"},
    {"export.inputType": "tf_example"},
    {"export.outputPrefix": "results/"},
    {"export.formats": ["FrozenGraph"]},
    {"export.formats": ["ONNX", "SavedModel", "FrozenGraph"]},
    {"export.formats": ["FrozenGraph", "SavedModel"], "export.inputType": "tf_example"},
    {"export.readableBy": "1.7"},
    {"export.readableBy": "2.21", "export.inputType": "tf_example"},
    {"test.resources": {"limits": {"memory": "6Gi"}}},
    READY_GRAPH,
    READY_GRAPH | {"model.prefix": ABSENT},
    {"export.timeout": "1h30m"},
    {"export.timeout": "1000ms"},
    {"export.timeout": "24h"},
    {"export.resources": {"requests": {"cpu": 1, "memory": "2Gi"}, "limits": {"cpu": "1500m", "memory": "2Gi"}}},
    {"export.resources": {"requests": {"ephemeral-storage": "1.5Gi"}}},
    CONFIG_MAP | {"source.configMap": {"name": "code"}},
    CONFIG_MAP | {"source.configMap": {"name": "code", "items": [{"key": "main.py", "path": "code/main.py"}]}},
    {"source.ufile": {"archive": "uai/code.tar.gz"}},
    {"source.ufile": {"archive": "uai/code.v1.tgz"}},
    {"source.ufile": {"archive": "uai/code.zip"}},
    CONFIG_MAP | {"source.git": {"url": "https://git.example.com/team/app.git"}},
    CONFIG_MAP
    | {
        "source.git": {
            "url": "ssh://git@git.example.com:2222/~team/app",
            "ref": "release/v1.0",
            "path": "serving/detector",
            "secretRef": {"name": "git"},
        }
    },
    CONFIG_MAP | {"source.git": {"url": "https://git.example.com:8443/a", "ref": "0" * 40}},
    CONFIG_MAP | {"source.git": {"url": "https://git.example.com/a", "poll": "1m"}},
    CONFIG_MAP | {"source.git": {"url": "https://git.example.com/a", "ref": "0" * 39, "poll": "720h"}},
    {"source.dockerfile": "docker/object-detect-cpu.Dockerfile"},
    {"source.checkpointDir": "model"},
    {"build.args": {"BASE_IMAGE": "uhub.ucloud.cn/demo/base:1", "_x9": ""}},
    {"build.cache": {"enabled": False}},
    {"build.cache": {"enabled": True}},
    {"build.cache": {"enabled": True, "repository": "uhub.ucloud.cn/demo/cache"}},
    {"build.builder": "Append", "build.reproducible": True},
    {"build.builder": "Kaniko", "build.cache": {"enabled": True}},
    {"build.timeout": "2h"},
    {"build.resources": {"limits": {"memory": "1Gi"}}},
    {"image.repository": "registry.test:5000/a/b_c__d-e.f/g"},
    {"image.repository": "registry:5000/a"},
    {"image.tags": ["test", "v1.0_rc-2", "a" * 128]},
    {"image.tags": ["step-{step}", "{contentHash}", "{step}", "{step}-{contentHash}.{step}"]},
    {"image.tags": ["a" * 109 + "{step}"]},
    {"image.additionalRepositories": ["h.test/a/b", "registry:5000/a"]},
    {"image.additionalRepositories": []},
    {"image.tagPolicy": "Refuse"},
    {"image.pin": "sha256:" + "0a" * 32},
    {"rollout": {"deployment": {"name": "a.b", "container": "main-1"}}},
    {"rollout": {"deployment": {"name": "a", "container": "m" * 63}, "timeout": "24h"}},
    {"rollout": {"inferenceService": {"name": "a-1"}, "timeout": "90s"}},
    {"rollout": {"configMap": {"name": "a"}}},
    {"rollout": {"configMap": {"name": "a", "key": "image.tag_1"}}},
    {"image.pushSecretRef": {"name": "uhub"}, "image.caSecretRef": {"name": "uhub-ca"}},
    {"test.enabled": False},
    {"test.sample": "uai/samples/dog.jpg"},
    {"test.port": 1, "test.readyPath": "/", "test.path": "/v1/predict?top=3"},
    {"test.timeout": "90s"},
    {"test.matchGraph": True},
    {"test.expect": {"status": 201, "fields": [{"path": ""}, {"path": "/a/0/b~1c", "equals": '{"d": [1, null]}'}]}},
    {"retry.limit": 0},
    {"retry.limit": 10},
    {"ttlAfterFinished": "24h"},
    {"ttlAfterFinished": "8760h"},
    {"scheduling.nodeSelector": {"kubernetes.io/arch": "amd64", "gpu": ""}},
    {"scheduling.tolerations": [{"key": "a", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}]},
    {"scheduling.priorityClassName": "batch", "scheduling.runtimeClassName": "gvisor"},
    {"scheduling.queueName": "detectors"},
    {"scheduling.queueName": ""},
    *(
        {f"resources.{step}": {"requests": {"ephemeral-storage": "0"}, "limits": {"cpu": "1", "memory": "1Gi"}}}
        for step in ("resolve", "assemble", "report", "probe", "publish")
    ),
    {"podMetadata.labels": {"sidecar.istio.io/inject": "false", "app.kubernetes.io/part-of": "vision", "team": ""}},
    {"podMetadata.annotations": {"linkerd.io/inject": "disabled", "note": "字" * 1000}},
    {"scheduling.imagePullSecrets": [{"name": "a"}, {"name": "b"}]},
    {
        "scheduling.affinity": {
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {
                    "nodeSelectorTerms": [{"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}]
                },
                "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "preference": {"matchFields": []}}],
            },
            "podAffinity": {
                "preferredDuringSchedulingIgnoredDuringExecution": [
                    {"weight": 100, "podAffinityTerm": {"topologyKey": "zone", "namespaces": ["a"]}}
                ]
            },
            "podAntiAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": [
                    {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "x"}}}
                ]
            },
        }
    },
]


@pytest.mark.parametrize("changes", ACCEPTED, ids=str)
def test_accepted(server: Any, manifest_with: Callable[..., Any], changes: dict[str, Any]) -> None:
    server.create(manifest_with(changes))
