"""The security checklist: each question with the tests and tools that answer it.

`make security` runs them all and prints a verdict each. A question without a check is not on the list.
"""

from typing import NamedTuple

CRD, UNIT = "tests/crd", "tests/unit"
STEPS = f"{UNIT}/build/steps/test_main.py"
JOBS, CHART = f"{UNIT}/operator/jobs/test_manifests.py", f"{CRD}/test_chart_on_server.py"


class Item(NamedTuple):
    """A question, with what answers it."""

    question: str
    tests: tuple[str, ...] = ()
    """Node ids of pytest: a file stands for all its tests."""
    tools: tuple[str, ...] = ()
    """Names in `tests.checklist.tools`."""


ITEMS = (
    Item(
        "The operator has no right to Secrets, no wildcard, and rights in one namespace where these suffice",
        (
            f"{UNIT}/chart/test_chart_files.py::test_rights_are_exactly_what_the_operator_uses",
            f"{UNIT}/chart/test_chart_files.py::test_no_template_grants_other_rights",
            f"{CHART}::test_rights_in_all_namespaces",
            f"{CHART}::test_rights_in_the_watched_namespaces_only",
        ),
    ),
    Item(
        "The operator's account can create only its own Jobs: our images, no service account, no host",
        (f"{CRD}/test_admission_policy.py",),
    ),
    Item(
        "The operator runs under Pod Security restricted, as do all containers but kaniko and the image under test",
        (
            f"{CHART}::test_the_operator_runs_under_pod_security_restricted",
            f"{JOBS}::test_every_container_except_kaniko_and_the_image_is_restricted",
        ),
    ),
    Item(
        "Build pods have no privilege, no API token and limits of everything",
        (
            f"{JOBS}::test_no_pod_has_an_api_token_or_restarts",
            f"{JOBS}::test_golden",
            f"{UNIT}/operator/jobs/test_pods.py::test_each_container_has_requests_and_limits",
        ),
    ),
    Item(
        "Each container has only the credentials that it needs; none is beside the image under test",
        (
            f"{JOBS}::test_each_container_gets_only_the_credentials_that_it_needs",
            f"{UNIT}/operator/jobs/test_beside_the_image.py",
        ),
    ),
    Item(
        "A RUN finds no registry login, and leads no container that has one elsewhere; with a cache its text stays out",
        (
            f"{UNIT}/operator/jobs/test_beside_kaniko.py",
            f"{UNIT}/build/depot/test_depot.py",
            "tests/builders/test_depot.py",
        ),
    ),
    Item(
        "Who may only create InferenceImages reaches no other namespace, and sets nothing of an administrator's",
        (
            f"{CRD}/test_crd_hostile.py::test_a_secret_of_another_namespace_cannot_be_named",
            f"{CRD}/test_crd_hostile.py::test_what_only_an_administrator_may_set_is_no_field",
            f"{UNIT}/operator/core/test_policy.py",
        ),
    ),
    Item(
        "A hostile value of a field becomes no command and no variable",
        (
            f"{JOBS}::test_a_hostile_build_argument_stays_one_argument",
            f"{JOBS}::test_a_hostile_key_reaches_the_container_unchanged",
        ),
    ),
    Item("Names are not content: what others planted is not reused", (f"{UNIT}/build/steps/test_authentic.py",)),
    Item("Logins go to the registry's own origin or to a listed one", (f"{UNIT}/build/registry/test_redirects.py",)),
    Item(
        "NetworkPolicies deny steps the metadata service (`make test-network-policies` shows it on a cluster)",
        (
            f"{UNIT}/chart/test_chart_files.py::test_steps_cannot_reach_the_metadata_service",
            f"{CHART}::test_the_api_server_accepts_every_object",
        ),
    ),
    Item("Hostile archives end at our own limits", (f"{UNIT}/build/source/test_hostile_archives.py",)),
    Item("Every field of an object is bounded", (f"{UNIT}/operator/api/test_bounds.py",)),
    Item("A tenant who sends all it can neither stops nor delays others", ("tests/hostile",)),
    Item(
        "Secrets are masked in logs and results",
        (f"{UNIT}/contract/test_redact.py", STEPS),
    ),
    Item("The code follows ruff's security rules (bandit's)", tools=("ruff",)),
    Item("Every lock file pins by hash, and names no index", tools=("locks",)),
    Item("No package of a lock file has a known vulnerability", tools=("pip-audit",)),
    Item("No Go module of the tools that we ship has a known vulnerability", tools=("govulncheck",)),
    Item("Each image has a valid, reproducible SBOM of what we put into it", ("tests/release/test_sbom.py",)),
    Item(
        "Each image names its version, commit and license; a release takes no base that can change",
        (f"{UNIT}/release/test_labels.py",),
    ),
    Item("An image that is built twice from nothing has one digest", ("tests/release/test_reproducible.py",)),
)
