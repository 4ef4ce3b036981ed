"""What UHub's documents say beyond the registry protocol, as hints for people. Pure.

Sources: UCloud documents, uhub: guide.md (repositories, login, limits) and qa.md (push from outside); api: uhub-api.
"""

MAX_TAGS, WARN_TAGS = 800, 600
"""Tags of one image. Above `MAX_TAGS`, UHub deletes those that nobody pulled for a month, the oldest first."""
MAX_LAYER_BYTES = 5 * 1000**3
"""Bytes of a compressed layer, of which a larger one may fail to be pushed."""


def create_repository(path: str) -> str:
    """How the repository of an image is made. `path` is that of the image: `repository/name`."""
    return (
        f"Create the repository {path.partition('/')[0]} in UHub's console or with the API CreateRepo: UHub makes none "
        "at a push. Its name must be unique among all users of UHub, and a project has at most 8 repositories"
    )


def log_in() -> str:
    """Which user and password UHub takes."""
    return (
        "UHub takes the e-mail address of the UCloud account as the user, with the password of the console or the "
        "independent password that is set for it in UHub"
    )


def push(path: str, inside: str) -> str:
    """Why a login may pull and not push. `inside` is the name inside UCloud's network, empty if that was used."""
    repository = path.partition("/")[0]
    owner = f"heck that the repository {repository} is in a project where this user may push"
    if not inside:
        return f"C{owner}"
    return (
        f"Where the access from outside (外网访问) of a repository is off, a login from outside may pull but not push: "
        f"write {inside} in spec.image.repository, or switch that access on for {repository} in UHub's console; "
        f"or c{owner}"
    )


def too_many_tags(limit: int) -> str:
    """What UHub does to an image with more tags than it keeps."""
    return f"above {limit}, UHub deletes the tags that nobody pulled for a month, the oldest first"
