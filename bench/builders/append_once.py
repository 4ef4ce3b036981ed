"""`python -m bench.builders.append_once WORKSPACE REPOSITORY TAG`: runs the append builder as its container does."""

import sys
from pathlib import Path

from inference_image_build.append.step import append
from inference_image_build.registry.client import Registry
from inference_image_build.registry.references import parse_repository
from inference_image_contract.inputs import AppendInput
from inference_image_contract.inputs import Registry as Allowed


def main(workspace: Path, repository: str, tag: str) -> None:
    """Builds and pushes an image; prints the result."""
    host = parse_repository(repository).host
    allowed = Allowed(repository=repository, plain_http_hosts=(host,))
    nowhere = Path("/nonexistent")
    step_input = AppendInput(
        registry=allowed, content_tag=tag, dockerfile="Dockerfile", checkpoint_dir="code/checkpoint_dir"
    )
    registry = Registry(allowed, nowhere, nowhere)
    result = append(step_input, registry, workspace / "context", workspace / "Dockerfile", workspace / "digest")
    print(result, file=sys.stderr)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
