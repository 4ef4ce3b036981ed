"""How the operator reads errors of the API server."""

import asyncio

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes.aio import client

from inference_image_operator.kube import connection
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
        (b"{}", "\u00b2", ("", "", None)),
        (b"[" * 100_000, None, ("", "[" * 200, None)),
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
        (b'failed to try resolving symlinks in path "/var/log/pods/n_p/image/1.log": no such file or directory', ""),
        (b'failed to open log file "/var/log/pods/n_p/image/1.log": no such file or directory', ""),
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


@pytest.mark.parametrize("name", ["?watch=true&n=1", "../../secrets/x", "a/b", "a b", "%2e%2e", "\n"])
async def test_a_name_is_one_segment_of_the_path(monkeypatch, name):
    asked = []

    async def send(self, method, path, *_):
        asked.append(path)
        raise api_error(404, b"{}", None)

    monkeypatch.setattr(Connection, "send", send)
    cluster = KubernetesCluster(None)
    assert await cluster.get_inference_image("n", name) is None
    assert await cluster.get_job("n", name) is None
    assert [path.count("/") for path in asked] == [7, 7]
    assert not [path for path in asked if {"?", " ", "\n"} & set(path) or ".." in path.split("/")]


async def test_a_silent_watch_ends_and_is_not_an_error(monkeypatch):
    """The API server sends no bookmarks in a watch of Events."""
    monkeypatch.setattr(connection, "WATCH", aiohttp.ClientTimeout(sock_read=0.1))

    async def silent(request):
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(b'{"type": "ADDED"}\n')
        await asyncio.Event().wait()

    server = web.Application()
    server.router.add_get("/events", silent)
    async with TestServer(server) as served:
        api = client.ApiClient(client.Configuration(str(served.make_url("")).rstrip("/")))
        async with api:
            found = [line async for line in Connection(api).lines("/events", {"watch": "1"})]
    assert found == [b'{"type": "ADDED"}']


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("", None),
        ("image-build-1", "metadata.name=image-build-1"),
        ("a,metadata.namespace=b\\", r"metadata.name=a\,metadata.namespace\=b\\"),
    ],
)
async def test_a_job_is_selected_by_its_name_whatever_that_is(monkeypatch, name, field):
    asked = []

    async def page(self, path, query):
        asked.append((path, query.get("labelSelector"), query.get("fieldSelector")))
        return b"{}"

    monkeypatch.setattr(Connection, "page", page)
    assert await KubernetesCluster(None).list_jobs("n", "x=y", name) == []
    assert asked == [("/apis/batch/v1/namespaces/n/jobs", "x=y", field)]
