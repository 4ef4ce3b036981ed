"""The steps of the Export and Test stages in one process, as the containers of a pod run them one after the other."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import msgspec

from inference_image_contract import inputs, paths, results
from inference_image_export import answer, stage, transfers
from inference_image_store import Store


def export_stage(work: inputs.ExportInput, store: Store, kept: Path | None = None) -> results.Exported:
    """`download`, `export` and `upload`; the peak memory is that of `export`. Copies what `export` leaves to `kept`."""
    with tempfile.TemporaryDirectory(prefix="workspace-") as folder:
        place = Path(folder, "export")
        transfers.download(work, store, place)
        made = stage.export_stage(work, place)
        if kept:
            shutil.copytree(place / transfers.OUTPUT, kept)
        done = transfers.upload(work, store, place)
    return msgspec.structs.replace(done, peak_memory_bytes=made.peak_memory_bytes)


def upload_again(work: inputs.ExportInput, store: Store, kept: Path) -> results.Exported:
    """`download` and `upload`, of what `export` left in an earlier run with equal input: TensorFlow takes seconds."""
    with tempfile.TemporaryDirectory(prefix="workspace-") as folder:
        place = Path(folder, "export")
        transfers.download(work, store, place)
        shutil.copytree(kept, place / transfers.OUTPUT)
        return transfers.upload(work, store, place)


def answer_stage(work: inputs.AnswerInput, store: Store, target: Path) -> results.Answered:
    """`sample` and `answer`."""
    with tempfile.TemporaryDirectory(prefix="workspace-") as folder:
        place = Path(folder, "sample")
        transfers.sample(work, store, place)
        return answer.answer(work, place, target)


ROOT = Path(__file__).resolve().parents[2]
STEPS = ("download", "export", "upload")


def run_containers(
    work: inputs.ExportInput, folder: Path, keys: Mapping[str, str], **environment: str
) -> list[subprocess.CompletedProcess[str]]:
    """The commands of the Export stage's containers, each in a process, until one fails; `export` gets no keys.

    The last result is `folder`/termination-log.
    """
    parts = ("job_contract", "object_store", "export_job")
    with tempfile.TemporaryDirectory(prefix="workspace-") as workspace:
        common = {
            "PATH": os.environ["PATH"],
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": ":".join(str(ROOT / part) for part in parts),
            paths.INPUT_ENV: inputs.encode(work),
            paths.RESULT_ENV: str(folder / "termination-log"),
            paths.WORKSPACE_ENV: workspace,
            **environment,
        }
        done: list[subprocess.CompletedProcess[str]] = []
        for step in STEPS:
            told = common | (keys if step != "export" else {})
            command = [sys.executable, "-m", "inference_image_export", step]
            done.append(subprocess.run(command, env=told, capture_output=True, text=True, timeout=600, check=False))
            if done[-1].returncode:
                break
    return done
