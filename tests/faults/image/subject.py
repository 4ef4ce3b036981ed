"""The InferenceImage operator as a subject of the harness."""

import json

from tests.faults.harness.subject import Bench, Subject
from tests.faults.image.install import command, grant, install
from tests.faults.image.invariants import final, violations
from tests.faults.image.objects import GROUP, STAGE_LABEL, ended, jobs
from tests.faults.image.scenarios import SCENARIOS


def show(bench: Bench) -> str:
    """Objects and their Jobs."""
    found = (bench.api.find(bench.path(GROUP, "inferenceimages")) or {"items": []})["items"]
    lines = [json.dumps(image.get("status", {}), indent=1)[:3000] for image in found[:3]]
    return "\n".join([*lines, *(f"{job['metadata']['name']} {ended(job)}" for job in jobs(bench)[:20])])


SUBJECT = Subject(
    name="image",
    install=install,
    grant=grant,
    command=command,
    scenarios=SCENARIOS,
    final=final,
    violations=violations,
    show=show,
    audited=[
        {"group": "uai.ucloud.cn", "resources": ["inferenceimages", "inferenceimages/status"]},
        {"group": "", "resources": ["pods/status"]},
    ],
    stage_label=STAGE_LABEL,
    modules=["inference_image_operator.runtime.app"],
)
