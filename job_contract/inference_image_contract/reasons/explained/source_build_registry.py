"""Reasons about the source, the build and the registry."""

from inference_image_contract.reasons.explained.explanation import Explanation
from inference_image_contract.reasons.reason import Reason

EXPLAINED = {
    Reason.REPOSITORY_NEARLY_FULL: Explanation(
        "A warning, as an Event and in Resolved: a repository has almost as many tags as its registry keeps. UHub "
        "then deletes tags that nobody has pulled for a month.",
        "Delete unused tags, use another repository, or leave `{step}` and `{contentHash}` out of `spec.image.tags`.",
    ),
    Reason.LAYER_MAY_BE_TOO_LARGE: Explanation(
        "A warning, as an Event and in Resolved or Built: a layer exceeds, or may exceed, [the registry's "
        "limit](../guides/registries.md#limits-of-registries).",
        "Split the COPY or ADD that the message names into several.",
    ),
    Reason.SOURCE_CHANGED: Explanation(
        "An object, file or base image changed after it was pinned. All inputs are pinned again, within the retry "
        "limit.",
        "Do not overwrite the inputs during a run.",
    ),
    Reason.GIT_UNAVAILABLE: Explanation(
        "The Git server does not respond, or responds with a server error.",
        "Check `spec.source.git.url` and that pods can reach the server.",
    ),
    Reason.REGISTRY_UNAVAILABLE: Explanation(
        "The registry does not respond, or responds with a server error.",
        "Check the host name; ask the registry's operator.",
    ),
    Reason.PUBLISH_FAILED: Explanation(
        "The registry did not point a tag at the new digest, or points it elsewhere.",
        "Check for immutable tags, a quota, or another client that moves this tag.",
    ),
    Reason.DIGEST_INVALID: Explanation(
        "The registry does not serve what the builder pushed, or violates the registry protocol.",
        "Check for another client that deletes from this repository; ask the registry's operator.",
    ),
    Reason.SOURCE_NOT_FOUND: Explanation(
        "The source has no files.",
        "Correct `spec.source`, or put the Dockerfile and the code there.",
    ),
    Reason.DOCKERFILE_NOT_FOUND: Explanation(
        "The source does not contain the Dockerfile.",
        "Set `spec.source.dockerfile` to its path within the source.",
    ),
    Reason.DOCKERFILE_INVALID: Explanation(
        "The Dockerfile has an error in the line that the message names.",
        "Correct and upload it, then request a run.",
    ),
    Reason.BUILDER_UNSUPPORTED: Explanation(
        "The builder would not build a line of the Dockerfile as `docker build` does ([table](builders.md)). The "
        "message names up to three lines, or the group that a check within the build found to differ.",
        "Set `spec.build.builder` to the builder that the hint names, or remove what the message names.",
    ),
    Reason.DOCKERIGNORE_INVALID: Explanation(
        ".dockerignore has an error in the line that the message names.",
        "Correct and upload it, then request a run.",
    ),
    Reason.ARCHIVE_INVALID: Explanation(
        "The archive is damaged, or its format does not match its name.",
        "Create it again with `tar czf` or `zip`, and upload it.",
    ),
    Reason.ARCHIVE_UNSAFE: Explanation(
        "The archive has a link, a device, a setuid bit, a path outside of the archive, the same path twice, or a "
        "name in an unknown encoding.",
        "Create it again from plain files and folders, with UTF-8 names ([build.md](../guides/build.md#archives)).",
    ),
    Reason.ARCHIVE_TOO_LARGE: Explanation(
        "The archive has more files or bytes than a source may have; nothing was unpacked.",
        "Leave data and results out of it.",
    ),
    Reason.GIT_HOST_NOT_ALLOWED: Explanation(
        "The installation does not allow the repository's host.",
        "Use an allowed host, or ask the administrator (`config.sources.gitHosts`).",
    ),
    Reason.GIT_HOST_KEY_UNKNOWN: Explanation(
        "The SSH server presents a key that the Secret does not list.",
        "Put the server's line as `known_hosts` into the Secret of `spec.source.git.secretRef`.",
    ),
    Reason.GIT_UNAUTHORIZED: Explanation(
        "The Git server refuses the credentials, or they do not allow reading the repository.",
        "Correct the Secret of `spec.source.git.secretRef`, then request a run.",
    ),
    Reason.GIT_NOT_FOUND: Explanation(
        "The repository does not exist at that URL, or the credentials do not show it.",
        "Correct `spec.source.git.url` or the credentials; redirects are not followed.",
    ),
    Reason.GIT_REF_NOT_FOUND: Explanation(
        "The repository does not have the branch or tag, or does not serve the commit.",
        "Set `spec.source.git.ref` to a branch, a tag or a full commit hash.",
    ),
    Reason.GIT_TOO_LARGE: Explanation(
        "One commit of the repository exceeds the limits of a source; nothing was unpacked.",
        "Leave weights and data out of it, or use `spec.source.ufile`.",
    ),
    Reason.GIT_TREE_UNSAFE: Explanation(
        "The folder has a symbolic link, a submodule, a Git LFS pointer, or a name that is not a valid file name.",
        "Replace it with a plain file, or set `spec.source.git.path`.",
    ),
    Reason.GIT_TLS: Explanation(
        "The Git server's certificate is not trusted.",
        "Put its CA as `ca.crt` into the Secret of `spec.source.git.secretRef`.",
    ),
    Reason.BASE_IMAGE_NOT_FOUND: Explanation(
        "The registry does not have the image of a FROM, or not for linux/amd64.",
        "Correct the FROM or `spec.build.args`, or push the image for linux/amd64.",
    ),
    Reason.REGISTRY_NOT_ALLOWED: Explanation(
        "The installation does not allow the registry of the image or of a FROM.",
        "Use an allowed registry, or ask the administrator (`config.registries.allowed`).",
    ),
    Reason.REGISTRY_UNAUTHORIZED: Explanation(
        "The registry refuses the credentials, or they do not allow pulling or pushing.",
        "Correct the Secret of `spec.image.pushSecretRef`, then request a run; [for "
        "UHub](../guides/registries.md#uhub) use the internal name.",
    ),
    Reason.REGISTRY_TLS: Explanation(
        "The registry's certificate is not trusted, or the registry does not support TLS.",
        "Put its CA as `ca.crt` into the Secret of `spec.image.caSecretRef`.",
    ),
    Reason.REPOSITORY_NOT_FOUND: Explanation(
        "The registry does not have the repository, project or namespace.",
        "Create it there ([UHub](../guides/registries.md#uhub) does not create it on push), or correct "
        "`spec.image.repository`.",
    ),
    Reason.REGISTRY_QUOTA_EXCEEDED: Explanation(
        "The repository or project has reached its quota of bytes or tags.",
        "Delete old images or have the quota raised, then request a run.",
    ),
    Reason.LAYER_TOO_LARGE: Explanation(
        "The registry, or a proxy before it, refuses a layer of this size; if [the "
        "limit](../guides/registries.md#limits-of-registries) is configured, the run fails before the build.",
        "Split the COPY or ADD that the message names into several, or have the limit raised.",
    ),
    Reason.TAG_EXISTS: Explanation(
        "With `tagPolicy: Refuse`, a tag already points to another image; no tag was moved.",
        "Choose another tag, use `{step}` or `{contentHash}` in it, or set `spec.image.tagPolicy: Overwrite`.",
    ),
    Reason.TAG_IMMUTABLE: Explanation(
        "The registry refuses to move a tag.",
        "Choose another tag; exempt tags that start with `content-` from the registry's rule.",
    ),
    Reason.RUN_FAILED: Explanation(
        "A RUN of the Dockerfile failed; the message has the command and its last line.",
        "Fix the RUN, upload the Dockerfile, then request a run.",
    ),
    Reason.COPY_SOURCE_NOT_FOUND: Explanation(
        "A COPY or ADD names a file that the source does not have, or a URL that cannot be downloaded.",
        "Upload the file or correct the Dockerfile, then request a run.",
    ),
    Reason.BUILD_FAILED: Explanation(
        "Kaniko failed; the message has its last line.",
        "Fix the Dockerfile or the files that it names; see `status.lastFailure.logTail`.",
    ),
}
