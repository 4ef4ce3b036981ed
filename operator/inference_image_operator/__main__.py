"""Starts the operator: `python3 -m inference_image_operator [--config FILE]`."""

import argparse
import asyncio
import sys
from pathlib import Path

from inference_image_operator.config.installation import ConfigError, load
from inference_image_operator.runtime import log
from inference_image_operator.runtime.app import run

CONFIG = Path("/etc/inference-image-operator/config.yaml")


def main() -> int:
    """Runs the operator. Returns 2 for an invalid configuration, otherwise 0."""
    parser = argparse.ArgumentParser(prog="inference-image-operator", description=__doc__)
    parser.add_argument(
        "--config", type=Path, default=CONFIG, help="configuration file of the installation (default: %(default)s)"
    )
    parser.add_argument(
        "--log-level", default="INFO", choices=["DEBUG", "INFO", "WARNING", "ERROR"], help="default: %(default)s"
    )
    parser.add_argument("--log-format", default="text", choices=["text", "json"], help="default: %(default)s")
    arguments = parser.parse_args()
    log.setup(arguments.log_level, arguments.log_format)
    try:
        config = load(arguments.config)
    except ConfigError as error:
        print(f"invalid configuration: {error}", file=sys.stderr)
        return 2
    asyncio.run(run(config))
    return 0


if __name__ == "__main__":
    sys.exit(main())
