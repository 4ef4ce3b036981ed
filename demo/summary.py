"""The summary of the demo: a table on standard output, and summary.json in its folder in out/."""

import json
from typing import Any

from demo import kubectl, memory
from demo.memory import Sampler
from demo.scenario import Scenario
from devcluster import settings

MIB = 1 << 20
STAGES = ("Resolve", "Export", "Build", "Test", "Publish")


def collect(image: kubectl.Object, answers: dict[str, Any], peaks: Sampler) -> dict[str, Any]:
    """The results of one run."""
    status, namespace = image["status"], image["metadata"]["namespace"]
    return {
        "stages": [
            {
                "stage": stage,
                "time": status["timings"].get(stage.lower(), ""),
                "containers": memory.of_stage(namespace, stage, peaks),
            }
            for stage in STAGES
        ],
        "checkpoint": {"step": status["checkpoint"]["step"], "fingerprint": status["checkpoint"]["fingerprint"]},
        "contentHash": status["contentHash"],
        "frozenGraph": status["frozenGraph"],
        "image": status["image"],
        "answers": answers,
    }


def _mib(bytes_: int | None) -> str:
    return f"{bytes_ // MIB} MiB" if bytes_ else "-"


def write(scenario: Scenario, image: kubectl.Object, answers: dict[str, Any], peaks: Sampler) -> None:
    """Prints the table and writes the JSON."""
    found = collect(image, answers, peaks)
    scenario.out.mkdir(parents=True, exist_ok=True)
    (scenario.out / "summary.json").write_text(json.dumps(found, indent=2) + "\n")
    print()
    print(f"{'stage':10}{'time':>9}   {'container':12}{'peak resident':>15}{'cgroup peak':>16}   (includes page cache)")
    for stage in found["stages"]:
        head = f"{stage['stage']:10}{stage['time']:>9}"
        for name, peak in stage["containers"].items() or [("-", {})]:
            print(f"{head:19}   {name:12}{_mib(peak.get('resident')):>15}{_mib(peak.get('cgroup')):>16}")
            head = ""
    print()
    print(f"checkpoint step {found['checkpoint']['step']}, graph {found['frozenGraph']['size'] / MIB:.1f} MiB")
    print(f"image {found['image']['reference']}, {found['image']['size'] / MIB:.1f} MiB compressed")
    print(
        f"answers to {answers['pictures']} pictures"
        + (f": {answers['right']} correct" if "right" in answers else f" with {answers['objects']} objects")
        + f", {len(answers['different'])} different from the frozen graph, "
        f"median {answers['medianSeconds'] * 1000:.0f} ms"
    )
    print(f"pictures with boxes: {scenario.out.relative_to(settings.REPOSITORY)}/")
