"""`config.jobs.buildUserNamespaces` on an API server with user namespaces, and on one that drops the field."""

import copy
from collections.abc import Callable, Iterator

import pytest
from kubernetes import client, config

from devcluster.controlplane import control_plane
from tests.crd.test_admission_policy import JOBS, Job, installed
from tests.loop.api import Api

VALUE = "config.jobs.buildUserNamespaces"
BUILDS = ("build", "build-append")


def _sender(gate: str, helm_template: Callable[..., list[Job]]) -> Iterator[Callable[[Job], None]]:
    """Creates Jobs on an API server with or without the feature: the default is another in each version."""
    with (
        control_plane(controllers=(), api_server_flags=[f"--feature-gates=UserNamespacesSupport={gate}"]) as plane,
        config.new_client_from_config(str(plane.kubeconfig)) as api_client,
        installed(api_client, Api(plane), helm_template, f"{VALUE}=true") as send,
    ):
        yield send


@pytest.fixture(scope="module")
def with_feature(helm_template: Callable[..., list[Job]]) -> Iterator[Callable[[Job], None]]:
    yield from _sender("true", helm_template)


@pytest.fixture(scope="module")
def without_feature(helm_template: Callable[..., list[Job]]) -> Iterator[Callable[[Job], None]]:
    yield from _sender("false", helm_template)


def _in_user_namespace(name: str) -> Job:
    job = copy.deepcopy(JOBS[name])
    job["spec"]["template"]["spec"]["hostUsers"] = False
    return job


@pytest.mark.parametrize("name", BUILDS)
def test_a_build_in_a_user_namespace_is_admitted_and_another_is_not(with_feature, name):
    with_feature(_in_user_namespace(name))
    with pytest.raises(client.ApiException, match=VALUE):
        with_feature(JOBS[name])


@pytest.mark.parametrize("name", BUILDS)
def test_an_api_server_that_drops_the_field_refuses_the_build(without_feature, name):
    with pytest.raises(client.ApiException, match=VALUE):
        without_feature(_in_user_namespace(name))


@pytest.mark.parametrize("name", sorted(set(JOBS) - set(BUILDS)))
def test_the_other_stages_are_as_before(with_feature, name):
    with_feature(JOBS[name])
