"""docs/guides/gitops.md shows the files of deploy/argocd and deploy/flux."""

import re
from pathlib import Path
from typing import Any

import yaml

from inference_image_operator.api import GROUP, KIND

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "guides" / "gitops.md").read_text()
ARGO = ROOT / "deploy" / "argocd" / "resource_customizations" / GROUP / KIND


def block(word: str) -> dict[str, Any]:
    """The YAML block of the page with this word."""
    (found,) = (text for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) if word in text)
    return yaml.safe_load(found)


def test_the_configuration_of_argo_cd_has_the_scripts() -> None:
    config = block("resource.customizations.health")
    assert config[f"resource.customizations.health.{GROUP}_{KIND}"] == (ARGO / "health.lua").read_text()
    actions = yaml.safe_load(config[f"resource.customizations.actions.{GROUP}_{KIND}"])
    assert actions["discovery.lua"] == (ARGO / "actions" / "discovery.lua").read_text()
    scripts = {path.parent.name: path.read_text() for path in ARGO.glob("actions/*/action.lua")}
    assert {one["name"]: one["action.lua"] for one in actions["definitions"]} == scripts


def test_the_page_shows_the_kustomizations_of_the_walk() -> None:
    documents = yaml.safe_load_all((ROOT / "deploy" / "flux" / "models.yaml").read_text())
    kustomizations = {one["metadata"]["name"]: one for one in documents if one["kind"] == "Kustomization"}
    assert kustomizations == {name: block(f"\n  name: {name}\n") for name in ("detectors", "serving")}


def test_the_expressions_of_flux_are_those_of_the_file() -> None:
    checks = yaml.safe_load((ROOT / "deploy" / "flux" / "health-checks.yaml").read_text())
    assert block("healthCheckExprs")["spec"]["healthCheckExprs"] == checks
