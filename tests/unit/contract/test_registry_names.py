"""Which hosts are the same registry."""

import pytest

from inference_image_contract import inputs, uhub
from inference_image_contract.registry_names import ALIASES, RegistryNames

INSIDE, OUTSIDE = "uhub.service.ucloud.cn", "uhub.ucloud.cn"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (INSIDE, OUTSIDE, True),
        (OUTSIDE, INSIDE.upper(), True),
        ("H.example", "h.EXAMPLE", True),
        (OUTSIDE, f"{OUTSIDE}:443", True),
        (OUTSIDE, f"{OUTSIDE}:0443", True),
        (OUTSIDE, f"{OUTSIDE}:80", False),
        ("docker.io", "Index.docker.io", True),
        ("[::1]:5000", "[0:0::1]:5000", True),
        ("bad host", "BAD HOST", True),
        ("bad host", "bad", False),
        (OUTSIDE, f"x.{OUTSIDE}", False),
        (OUTSIDE, f"{OUTSIDE}.evil.example", False),
        ("a.example", "b.example", False),
    ],
)
def test_names_of_one_registry(one, other, same):
    names = RegistryNames()
    assert names.same(one, other) is same
    assert names.same(other, one) is same
    assert names.same_repository(f"{one}/a/b", f"{other}/a/b") is same
    assert not names.same_repository(f"{one}/a/b", f"{other}/a/c")


@pytest.mark.parametrize(
    ("allowed", "first"),
    [((), INSIDE), ((INSIDE, OUTSIDE), INSIDE), ((OUTSIDE, INSIDE), INSIDE), ((OUTSIDE,), OUTSIDE), (("x",), INSIDE)],
)
def test_the_inner_name_is_preferred_unless_only_the_outer_is_listed(allowed, first):
    assert RegistryNames(ALIASES, allowed).of(OUTSIDE)[0] == first


def test_aliases_of_the_installation_replace_the_defaults():
    names = RegistryNames([["in.example:5000", "Out.example"]])
    assert names.of("out.example") == ("in.example:5000", "out.example")
    assert not names.same(INSIDE, OUTSIDE)
    assert not names.is_uhub("out.example")


@pytest.mark.parametrize("host", [INSIDE, OUTSIDE, OUTSIDE.upper()])
def test_uhub_is_recognized_by_its_names(host):
    assert RegistryNames().is_uhub(host)
    assert not RegistryNames().is_uhub("uhub.example")


def test_another_name_of_a_group_with_uhub_is_uhub():
    assert RegistryNames([["uhub.internal", *ALIASES[0]]]).is_uhub("uhub.internal")


@pytest.mark.parametrize(
    ("repository", "host", "expected"),
    [
        (f"{OUTSIDE}/a/b", INSIDE, f"{INSIDE}/a/b"),
        (f"{OUTSIDE}/a/b", "", f"{OUTSIDE}/a/b"),
        ("h.example/a", INSIDE, "h.example/a"),
    ],
)
def test_a_repository_under_another_name(repository, host, expected):
    assert RegistryNames().at(repository, host) == expected


def test_an_exact_name_wins():
    names = RegistryNames()
    assert names.find(OUTSIDE, {INSIDE: 1, OUTSIDE: 2}) == 2
    assert names.find(OUTSIDE, {INSIDE: 1}) == 1
    assert names.find("h.example", {INSIDE: 1}) is None


def test_the_default_limits_apply_only_to_uhub():
    where = inputs.Registry(repository=f"{OUTSIDE}/a/b")
    limit = where.limit(OUTSIDE)
    assert (limit.tags, limit.warn_tags, limit.layer_bytes) == (800, 600, 5 * 1000**3)
    assert where.limit("h.example") == inputs.RegistryLimit(host="h.example")


def test_defaults_are_omitted_from_an_input():
    where = inputs.Registry(repository="h.example/a", aliases=ALIASES, limits=inputs.REGISTRY_LIMITS)
    assert inputs.encode(where) == '{"repository":"h.example/a"}'


@pytest.mark.parametrize(("inside", "begins"), [(INSIDE, "If external access"), ("", "Check that the repository demo")])
def test_why_a_push_is_refused(inside, begins):
    assert uhub.push("demo/infer", inside).startswith(begins)
    assert (f"use {inside}" in uhub.push("demo/infer", inside)) is bool(inside)
