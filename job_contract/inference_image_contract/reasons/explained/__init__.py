"""What each reason means and what to do, by subject, in the order of docs/reference/reasons.md."""

from inference_image_contract.reasons.explained import (
    cluster,
    installation,
    progress,
    rollout,
    source_build_registry,
    test,
    ufile_and_model,
)

SUBJECTS = {
    "Progress": progress.EXPLAINED,
    "US3 and the model": ufile_and_model.EXPLAINED,
    "Source, build and registry": source_build_registry.EXPLAINED,
    "Test": test.EXPLAINED,
    "The cluster": cluster.EXPLAINED,
    "The rollout": rollout.EXPLAINED,
    "The object and the installation": installation.EXPLAINED,
}
"""Heading of the subject -> its reasons, each with its explanation."""
