"""Lists of what others may write: read in pages of bounded bytes, and without what nobody needs."""

from msgspec import json

from inference_image_operator.kube import connection
from inference_image_operator.kube.client import MAX_WARNINGS, PAGE, KubernetesCluster
from inference_image_operator.kube.connection import Connection, TooLargeError
from inference_image_operator.kube.references import References, references

DIGESTS = ["sha256:" + letter * 64 for letter in "abcd"]


def served(monkeypatch, objects: list[dict], limit: int = connection.MAX_ANSWER) -> list[int]:
    """An API server with these objects. Returns the sizes of the pages that it was asked for, as they come."""
    asked: list[int] = []

    async def page(self, path, query):
        begin, size = int(query.get("continue", "0")), int(query["limit"])
        asked.append(size)
        found: dict = {"items": objects[begin : begin + size], "metadata": {}}
        if begin + size < len(objects):
            found["metadata"]["continue"] = str(begin + size)
        data = json.encode(found)
        if len(data) > limit:
            raise TooLargeError
        return data

    monkeypatch.setattr(Connection, "page", page)
    return asked


def job(name: str, size: int = 0) -> dict:
    environment = [{"name": "X", "value": "x" * size}]
    labels = {"uai.ucloud.cn/stage": "Build", "other": "x" * size}
    message = {"type": "Failed", "status": "True", "message": "m" * size}
    return {
        "metadata": {"name": name, "uid": "u", "labels": labels, "annotations": {"x": "x" * size}},
        "spec": {"template": {"spec": {"containers": [{"env": environment}]}}},
        "status": {"conditions": [message] * 1000, "startTime": "2026-01-31T09:30:00Z"},
    }


async def test_large_objects_are_read_in_smaller_pages(monkeypatch):
    asked = served(monkeypatch, [job(str(number), 100) for number in range(30)], limit=2_000_000)
    found = await KubernetesCluster(None).list_jobs("n", "x")
    assert [one["metadata"]["name"] for one in found] == [str(number) for number in range(30)]
    assert asked == [PAGE, PAGE // 4, *[PAGE // 16] * 5]


async def test_what_the_operator_does_not_need_is_skipped_and_the_rest_is_cut(monkeypatch):
    served(monkeypatch, [job("a", 5000)], limit=1 << 30)
    (found,) = await KubernetesCluster(None).list_jobs("n", "x")
    assert len(json.encode(found)) < 64 * 4300
    assert found["metadata"] == {"name": "a", "uid": "u", "labels": {"uai.ucloud.cn/stage": "Build"}, "annotations": {}}
    assert "spec" not in found


async def test_a_list_of_warnings_has_an_end(monkeypatch):
    served(monkeypatch, [{"metadata": {"name": str(number)}, "reason": "BackOff"} for number in range(3000)])
    assert len(await KubernetesCluster(None).list_warnings("n")) == MAX_WARNINGS


def test_references_are_read_without_the_rest_of_an_object():
    a, b, c, d = DIGESTS
    image = {"repository": "h/a", "additionalRepositories": ["h/b"], "tags": ["x"] * 1000}
    status = {
        "image": {"reference": f"h/c@{a}", "digest": a},
        "built": {"digest": b},
        "contentHash": c,
        "history": [{"digest": d}, {"digest": "forged" * 1000}],
    }
    found = references(json.encode({"spec": {"image": image, "podMetadata": {}}, "status": status}))
    assert found == References(repositories=("h/a", "h/b", "h/c"), current=(a, b, c), history=(d,))
    pinned = references(json.encode({"spec": {"image": image | {"pin": d}, "podMetadata": {}}, "status": status}))
    assert pinned.current == (a, b, c, d)  # before its publication too, when the status lists it as history only


def test_the_references_of_what_does_not_fit_are_all_digests_in_it():
    assert references(json.encode({"spec": 7, "status": {"x": [DIGESTS[0]]}})) == References(current=(DIGESTS[0],))
