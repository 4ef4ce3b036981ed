"""Two releases of the chart on one namespace: each object is served by one of them."""

from collections.abc import Iterator

import pytest

from inference_image_operator.api.stages import Stage
from tests.loop.conftest import Operator
from tests.loop.pipeline import Pipeline


@pytest.fixture
def two(plane, api, namespace, tmp_path) -> Iterator[dict[str, Operator]]:
    """Name of the installation -> its operator."""
    found = {}
    for release in ("first", "second"):
        (tmp_path / release).mkdir()
        found[f"{namespace}/{release}"] = Operator(plane, api, namespace, tmp_path / release, release).start()
    yield found
    for operator in found.values():
        if operator.running:
            operator.kill()


def test_each_object_is_served_by_one_installation(api, namespace, two):
    operator = next(iter(two.values()))
    pipelines = [Pipeline(api, namespace, operator, f"detector-{number}") for number in range(3)]
    for pipeline in pipelines:
        pipeline.apply()
    for pipeline in pipelines:
        pipeline.run_whole()
        assert pipeline.image["status"]["installation"] in two
    assert len(pipelines[0].jobs) == 3 * len(Stage)


def test_an_annotation_hands_an_object_over(api, namespace, two):
    pipeline = Pipeline(api, namespace, next(iter(two.values())))
    pipeline.apply()
    pipeline.run_whole()
    before = pipeline.image["status"]["installation"]
    (other,) = set(two) - {before}
    two[before].kill()
    pipeline.apply(**{"uai.ucloud.cn/installation": other, "uai.ucloud.cn/requestedAt": "now"})
    pipeline.claimed(Stage.RESOLVE)
    assert pipeline.image["status"]["installation"] == other


def test_an_installation_serves_the_labels_that_it_selects(plane, api, namespace, tmp_path):
    operator = Operator(plane, api, namespace, tmp_path, watchSelector="team=a").start()
    try:
        ours, other = (Pipeline(api, namespace, operator, name) for name in ("ours", "other"))
        other.apply()
        ours.apply()
        api.merge(ours.path, {"metadata": {"labels": {"team": "a"}}})
        ours.run_whole()
        assert "conditions" not in other.image["status"]
        api.merge(other.path, {"metadata": {"labels": {"team": "a"}}})
        other.claimed(Stage.RESOLVE)
    finally:
        operator.kill()
