"""How the operator reads errors of the API server."""

import pytest

from inference_image_operator.kube.client import KubernetesCluster
from inference_image_operator.kube.connection import Connection, api_error


@pytest.mark.parametrize(
    ("data", "retry_after", "expected"),
    [
        (b'{"kind":"Status","reason":"NotFound","message":"x not found"}', None, ("NotFound", "x not found", None)),
        (b"404 page not found\n", None, ("", "404 page not found", None)),
        (b"[]", None, ("", "[]", None)),
        (b"", None, ("", "", None)),
        (b"\xff", "20", ("", "\ufffd", 20.0)),
        (b"{}", "Wed, 21 Oct 2026 07:28:00 GMT", ("", "", None)),
    ],
)
def test_every_answer_becomes_an_explained_error(data, retry_after, expected):
    error = api_error(404, data, retry_after)
    assert (error.reason, error.message, error.retry_after) == expected


@pytest.mark.parametrize(
    ("answer", "log"),
    [
        (b"line\n\xff", "line\n\ufffd"),
        (b"unable to retrieve container logs for containerd://1", ""),
        (api_error(400, b"{}", None), ""),
    ],
)
async def test_a_log_that_is_gone_is_no_log(monkeypatch, answer, log):
    async def send(self, method, path, query):
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(Connection, "send", send)
    assert await KubernetesCluster(None).read_log("n", "p", "image", previous=True) == log
