"""Rules of UHub beyond the registry protocol, as hints for people. Pure.

Sources: UCloud documents, uhub: guide.md (repositories, login, limits) and qa.md (push from outside); api: uhub-api.
"""

MAX_TAGS, WARN_TAGS = 800, 600
"""Tags of one image. Above `MAX_TAGS`, UHub deletes tags that were not pulled for a month, the oldest first."""
MAX_LAYER_BYTES = 5 * 1000**3
"""Most bytes of a compressed layer; the push of a larger one may fail."""


def create_repository(path: str) -> str:
    """How to create the repository of an image. `path` is the image's path: `repository/name`."""
    return (
        f"Create the repository {path.partition('/')[0]} in UHub's console or with the API CreateRepo; UHub does not "
        "create it on push. Its name must be unique among all users of UHub, and a project has at most 8 repositories"
    )


def log_in() -> str:
    """Which user and password UHub accepts."""
    return (
        "For UHub, the user is the e-mail address of the UCloud account; the password is that of the console or the "
        "independent password set in UHub"
    )


def push(path: str, inside: str) -> str:
    """Why a login may pull but not push. `inside` is the name inside UCloud's network; empty if it was used."""
    repository = path.partition("/")[0]
    owner = f"heck that the repository {repository} is in a project where this user may push"
    if not inside:
        return f"C{owner}"
    return (
        f"If external access (外网访问) of a repository is off, a login from outside may pull but not push: use "
        f"{inside} in spec.image.repository, or enable external access for {repository} in UHub's console; "
        f"or c{owner}"
    )


def too_many_tags(limit: int) -> str:
    """What UHub does to an image with too many tags."""
    return f"above {limit}, UHub deletes tags that were not pulled for a month, the oldest first"
