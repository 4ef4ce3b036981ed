"""`create`: writes a manifest from flags, and asks on a terminal for what is missing."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from inference_image_operator.api import API_VERSION, KIND
from kubectl_inferenceimage import crd, manifest
from kubectl_inferenceimage.errors import CommandError


class Question(NamedTuple):
    """Something that a manifest cannot do without."""

    flag: str
    text: str


QUESTIONS = (
    Question("bucket", "the bucket of US3 (formerly UFile)"),
    Question("region", "its region, such as cn-bj"),
    Question("prefix", "the prefix of the training output, with model.ckpt-* and pipeline.config"),
    Question("label_map", "the key of the label map"),
    Question("source", "the source: a prefix or an archive in the bucket, or the URL of a Git repository"),
    Question("repository", "the repository of the image, without a tag"),
)


def create(name: str, flags: Mapping[str, Any]) -> str:
    """The manifest as YAML. `flags` are those of the command line, by name; empty ones are asked for.

    Raises CommandError when something is missing without a terminal, or does not fit the CRD's schema.
    """
    known = {**flags, **_answers([question for question in QUESTIONS if not flags[question.flag]])}
    document = _document(name, known)
    if fault := crd.fault(document):
        raise CommandError(f"The manifest would not match the CustomResourceDefinition: {fault}.")
    manifest.parsed("The manifest", document)
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)


def write(text: str, path: str) -> str:
    """Writes the manifest to a new file, and returns the line that says where; without a path, the manifest itself.

    Raises CommandError.
    """
    if not path:
        return text
    try:
        with Path(path).open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise CommandError(f"{path} exists. Give another --output, or delete it.") from error
    return f"{path}\n"


def _answers(questions: list[Question]) -> dict[str, str]:
    if questions and not sys.stdin.isatty():
        missing = ", ".join(f"--{question.flag.replace('_', '-')}" for question in questions)
        raise CommandError(f"Missing: {missing}.")
    found = {}
    for question in questions:
        print(f"{question.text[0].upper()}{question.text[1:]}: ", end="", file=sys.stderr, flush=True)
        found[question.flag] = sys.stdin.readline().strip()
        if not found[question.flag]:
            raise CommandError(f"Missing: --{question.flag.replace('_', '-')}.")
    return found


def _document(name: str, flags: Mapping[str, Any]) -> dict[str, Any]:
    checkpoint = {"step": flags["step"]} if flags["step"] else {"policy": "Latest"}
    image = {"repository": flags["repository"], "tags": flags["tag"] or ["latest"]}
    config = {"pipelineConfig": flags["config"]} if flags["config"] else {}
    dockerfile = {"dockerfile": flags["dockerfile"]} if flags["dockerfile"] else {}
    push = {"pushSecretRef": {"name": flags["push_secret"]}} if flags["push_secret"] else {}
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": name} | ({"namespace": flags["namespace"]} if flags["namespace"] else {}),
        "spec": {
            "ufile": {
                "bucket": flags["bucket"],
                "region": flags["region"],
                "secretRef": {"name": flags["ufile_secret"]},
            },
            "model": {"prefix": _folder(flags["prefix"]), "checkpoint": checkpoint}
            | config
            | {"labelMap": flags["label_map"]},
            "source": _source(flags["source"]) | dockerfile,
            "image": image | push,
        },
    }


def _source(text: str) -> dict[str, Any]:
    """The source that a text names: a URL of Git with `#REF`, an archive, or a prefix."""
    if text.startswith(("https://", "ssh://")):
        url, _, ref = text.partition("#")
        return {"git": {"url": url} | ({"ref": ref} if ref else {})}
    if text.endswith((".tar.gz", ".tgz", ".zip")):
        return {"ufile": {"archive": text}}
    return {"ufile": {"prefix": _folder(text)}}


def _folder(prefix: str) -> str:
    return prefix if prefix.endswith("/") else f"{prefix}/"
