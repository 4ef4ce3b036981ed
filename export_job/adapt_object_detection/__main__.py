"""`python -m adapt_object_detection [SITE_PACKAGES]`: adapts the package of this environment, or of that directory."""

import sys
import sysconfig
from pathlib import Path

from adapt_object_detection.package import NotAdaptableError, adapt

_AT_MOST_ONE = 2


def main(arguments: list[str]) -> int:
    """Exit code 0 when the package is adapted, now or before."""
    if len(arguments) > _AT_MOST_ONE:
        print(__doc__, file=sys.stderr)
        return 2
    site = Path(arguments[1] if len(arguments) == _AT_MOST_ONE else sysconfig.get_path("purelib"))
    try:
        done = adapt(site)
    except (NotAdaptableError, FileNotFoundError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{site}: object_detection {'adapted' if done else 'was adapted already'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
