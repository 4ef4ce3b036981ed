"""Passes the machine's pip configuration to a build, as a mounted file that never enters the image."""

import configparser
import os
import sys
from pathlib import Path

from devcluster.lib.run import run

KEPT = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout", "retries")
CERTIFICATES = Path("/etc/ssl/certs")
BUNDLE = CERTIFICATES / "ca-certificates.crt"


def parse(listing: str) -> dict[str, str]:
    """The settings of `pip config list` that apply elsewhere too: `global.index-url='...'` and similar.

    A later line wins: pip lists its files in order of precedence, the environment last.
    """
    kept = {}
    for line in listing.splitlines():
        name, _, value = line.partition("=")
        option = name.rpartition(".")[2]
        if option in KEPT:
            kept[option] = value.strip("'\"")
    return kept


def write(target: Path) -> None:
    """Writes a pip.conf for builds. Only the owner can read it, because an index address may contain a password."""
    listing = run([sys.executable, "-m", "pip", "config", "list"])
    configuration = configparser.ConfigParser(interpolation=None)
    configuration["global"] = parse(listing)
    if BUNDLE.exists():
        configuration["global"]["cert"] = str(BUNDLE)
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        configuration.write(file)
