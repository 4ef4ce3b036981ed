"""`dashboard`: who gets an answer, and what it says, also without some rights and of hostile objects."""

import http.client
import io
import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from PIL import Image

from inference_image_operator.api import Spec, read, read_status
from inference_image_operator.api.stages import Stage
from kubectl_inferenceimage.cluster.dashboard import dashboard as command
from kubectl_inferenceimage.cluster.dashboard.lineage import lineage
from kubectl_inferenceimage.cluster.dashboard.server import Dashboard
from kubectl_inferenceimage.cluster.trial import drawing
from tests.support.objects import document
from tests.support.world import DIGEST, World
from tests.unit.cli.cluster.standin import IMAGES, JOBS, NAMESPACE, PODS, ApiServer, dashboard_of

Object = dict[str, Any]
EVERYWHERE = "/apis/uai.ucloud.cn/v1alpha1/inferenceimages"
HOSTILE = "<img src=x onerror=alert(1)>\x1b[2J\N{RIGHT-TO-LEFT OVERRIDE}"


def published(name: str = "detector") -> Object:
    world = World()
    world.run_whole()
    return document(world, NAMESPACE, name)


class Browser:
    """Asks the dashboard as a browser does."""

    def __init__(self, server: Dashboard) -> None:
        self.port = server.server_port
        self.root = server.address.removeprefix(f"http://127.0.0.1:{self.port}")

    def ask(self, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            sent = {"Host": f"127.0.0.1:{self.port}"} | {name.replace("_", "-"): text for name, text in headers.items()}
            connection.request(method, path, headers=sent)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def get(self, path: str) -> tuple[int, Any]:
        status, _, body = self.ask(self.root + path)
        return status, json.loads(body)


@pytest.fixture
def server(api: ApiServer, tmp_path) -> Iterator[Dashboard]:
    with dashboard_of(api, tmp_path) as found:
        yield found


@pytest.fixture
def browser(api: ApiServer, server: Dashboard) -> Browser:
    image = published()
    api.objects |= {IMAGES: [image], f"{IMAGES}/detector": image, JOBS: [], PODS: []}
    return Browser(server)


@pytest.mark.parametrize(
    ("path", "kind"), [("", "text/html"), ("style.css", "text/css"), ("page.js", "text/javascript")]
)
def test_the_page_is_served_with_strict_headers(browser: Browser, path: str, kind: str) -> None:
    status, headers, body = browser.ask(browser.root + path)
    assert (status, headers["Content-Type"]) == (200, f"{kind}; charset=utf-8")
    assert body
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["Referrer-Policy"] == "no-referrer", "the address is a key"
    assert headers["Cache-Control"] == "no-store"
    assert "Access-Control-Allow-Origin" not in headers


def test_the_page_has_no_inline_script_or_style(browser: Browser) -> None:
    html = browser.ask(browser.root)[2].decode()
    script = browser.ask(browser.root + "page.js")[2].decode()
    assert html.count("<script") == html.count('<script src="page.js" defer></script>') == 1
    assert "style=" not in html
    assert " on" not in [part[:3] for part in html.split('"')]
    for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function("):
        assert way not in script


@pytest.mark.parametrize("path", ["/", "/api/objects", "/x/", "/x/api/objects", "//api/objects", "/%2e%2e/api/objects"])
def test_without_the_token_there_is_nothing(api: ApiServer, browser: Browser, path: str) -> None:
    status, headers, body = browser.ask(path)
    assert (status, body) == (404, b"404 Not Found\n")
    assert "Content-Security-Policy" in headers
    assert api.asked == []


@pytest.mark.parametrize(
    "path",
    [
        *("x", "server.py", "../server.py", "page.js/", "api", "api/objects/", "api/objects/team-a"),
        *("api/objects/team-b/other", "api/objects/team-a/..", "api/objects/team-a/%2e%2e", "api/objects/team-a/a/b"),
        "api/objects/TEAM/a",
    ],
)
def test_unknown_paths_ask_nobody(api: ApiServer, browser: Browser, path: str) -> None:
    assert browser.ask(browser.root + path)[0] == 404
    assert api.asked == []


@pytest.mark.parametrize(
    "host", ["evil.test", "evil.test:{port}", "127.0.0.1", "127.0.0.1:1", "localhost.evil.test:{port}", ""]
)
def test_another_name_of_this_address_is_refused(api: ApiServer, browser: Browser, host: str) -> None:
    status, _, _ = browser.ask(browser.root + "api/objects", Host=host.format(port=browser.port))
    assert status == 421
    assert api.asked == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.test"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_other_pages_get_nothing(api: ApiServer, browser: Browser, headers: dict[str, str]) -> None:
    assert browser.ask(browser.root + "api/objects", **headers)[0] == 403
    assert api.asked == []


def test_the_page_itself_may_ask(browser: Browser) -> None:
    own = {"Host": f"localhost:{browser.port}", "Origin": f"http://localhost:{browser.port}"}
    assert browser.ask(browser.root + "api/objects", **own, Sec_Fetch_Site="same-origin")[0] == 200


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_only_get(api: ApiServer, browser: Browser, method: str) -> None:
    status, headers, _ = browser.ask(browser.root + "api/objects", method)
    assert (status, headers["Allow"]) == (405, "GET")
    assert api.asked == []


def test_the_list_is_that_of_get(browser: Browser) -> None:
    status, found = browser.get("api/objects")
    assert (status, found["where"]) == (200, NAMESPACE)
    (row,) = found["objects"]
    assert {name: row[name] for name in ("namespace", "name", "ready", "stage", "reason", "digest", "step")} == {
        "namespace": NAMESPACE, "name": "detector", "ready": "True", "stage": "<none>", "reason": "Published",
        "digest": DIGEST, "step": "800",
    }  # fmt: skip


def test_one_object(browser: Browser) -> None:
    status, found = browser.get(f"api/objects/{NAMESPACE}/detector")
    assert status == 200
    assert [(row["stage"], row["state"], row["status"], row["works"]) for row in found["stages"]] == [
        ("Resolve", "Resolved", "True", False),
        ("Export", "Exported", "True", False),
        ("Build", "Built", "True", False),
        ("Test", "Answered", "True", False),
        ("Publish", "Published", "True", False),
    ]
    assert found["history"]["rows"][0][1:] == ["800", DIGEST]
    assert found["missing"] == []
    assert DIGEST in json.dumps(found["lineage"])


def test_a_missing_right_costs_one_part(api: ApiServer, browser: Browser) -> None:
    api.forbidden |= {("GET", PODS)}
    status, found = browser.get(f"api/objects/{NAMESPACE}/detector")
    assert status == 200
    assert found["missing"] == [f"You may not list the pods in {NAMESPACE}. Ask for that right in the namespace."]
    assert len(found["stages"]) == len(Stage)


@pytest.fixture
def pushing(api: ApiServer) -> ApiServer:
    """An object whose Build pushes."""
    world = World()
    world.run_to(Stage.BUILD)
    image = document(world, NAMESPACE, "detector")
    labels = {"batch.kubernetes.io/job-name": image["status"]["stage"]["job"]}
    meta = {"name": "p", "labels": labels, "creationTimestamp": "2026-01-31T09:30:00Z"}
    running = {"containerStatuses": [{"name": "report", "state": {"running": {}}}]}
    log = "progress: push 25000000 of 100000000 bytes\n"
    pods = [{"metadata": meta, "status": running}]
    api.objects |= {f"{IMAGES}/detector": image, PODS: pods, f"{PODS}/p/log": log}
    return api


def test_how_far_a_step_is(browser: Browser, pushing: ApiServer) -> None:
    found = browser.get(f"api/objects/{NAMESPACE}/detector")[1]
    said = "report: push, 25.0 MB of 100.0 MB"
    assert found["moving"] == {"done": 25_000_000, "total": 100_000_000, "text": said}
    pushing.forbidden.add(("GET", f"{PODS}/p/log"))
    found = browser.get(f"api/objects/{NAMESPACE}/detector")[1]
    assert (found["moving"], "there are no bars" in found["missing"][0]) == (None, True)
    pushing.forbidden.clear()
    pushing.objects[f"{PODS}/p/log"] = 404
    assert browser.get(f"api/objects/{NAMESPACE}/detector")[1]["missing"] == []


def test_errors_are_told(api: ApiServer, browser: Browser) -> None:
    assert browser.get(f"api/objects/{NAMESPACE}/other")[0] == 404
    api.forbidden |= {("GET", IMAGES)}
    status, found = browser.get("api/objects")
    assert (status, list(found)) == (403, ["error"])
    assert "You may not list the InferenceImages" in found["error"]


def test_all_namespaces(api: ApiServer, server: Dashboard, browser: Browser) -> None:
    server.answers = server.answers._replace(everywhere=True)
    other = document(World(), "team-b", "far")
    api.objects |= {EVERYWHERE: [other], f"{IMAGES.replace(NAMESPACE, 'team-b')}/far": other}
    assert [row["namespace"] for row in browser.get("api/objects")[1]["objects"]] == ["team-b"]
    assert browser.get("api/objects/team-b/far")[1]["summary"]["name"] == "far"


def test_what_could_change_the_text_around_it_is_replaced(api: ApiServer, browser: Browser) -> None:
    image = published()
    image["status"]["conditions"][0]["message"] = HOSTILE
    api.objects[f"{IMAGES}/detector"] = image
    text = browser.ask(f"{browser.root}api/objects/{NAMESPACE}/detector")[2].decode()
    assert "\\u001b" not in text
    assert "\\u202e" not in text
    assert "<img src=x onerror=alert(1)>\\ufffd[2J\\ufffd" in text, "the page shows it as text"


def test_an_object_of_another_version_has_no_drawing(api: ApiServer, browser: Browser) -> None:
    image = published()
    image["spec"]["model"] = 1
    api.objects[f"{IMAGES}/detector"] = image
    status, found = browser.get(f"api/objects/{NAMESPACE}/detector")
    assert (status, found["lineage"]) == (200, None)
    assert "does not fit this version of the plugin" in found["missing"][0]


def drawn(world: World) -> dict[str, tuple[bool, list[str]]]:
    """The nodes, by id: whether they are done, and their lines."""
    found = msgspec.to_builtins(document(world, NAMESPACE, "detector"))
    whole = lineage(read(Spec, found["spec"]), read_status(found["status"])[0], found["status"])
    return {node["id"]: (node["done"], node["lines"]) for node in whole["nodes"]}


def test_the_lineage_goes_from_checkpoint_to_digest() -> None:
    world = World()
    world.run_whole()
    found = drawn(world)
    assert all(done for done, _ in found.values())
    assert found["checkpoint"][1] == ["uai/object-train-output/", "model.ckpt-800", "step 800", "index, ETag e"]
    assert found["graph"][1][1] == "sha256:" + "a" * 64
    assert found["image"][1][0] == DIGEST


def test_results_of_the_run_before_do_not_belong_to_new_inputs() -> None:
    world = World()
    world.run_whole()
    world.spec["model"]["checkpoint"]["step"], world.generation = 900, 2
    world.settle()
    assert {name: done for name, (done, _) in drawn(world).items()} == dict.fromkeys(
        ("checkpoint", "code", "graph", "image"), False
    )
    world.finish()
    world.settle()
    found = drawn(world)
    assert [found[name][0] for name in ("checkpoint", "code", "graph", "image")] == [True, True, False, False]


def test_a_built_image_is_not_published_yet() -> None:
    world = World()
    world.run_to(Stage.TEST)
    assert drawn(world)["image"] == (False, [DIGEST, "not published yet"])


def test_of_a_pinned_image_only_the_history_is_known() -> None:
    world = World()
    world.run_whole()
    world.spec["image"]["pin"], world.generation = DIGEST, 2
    world.settle()
    assert not any(done for done, _ in drawn(world).values()), "it is not published yet"
    world.finish()
    world.settle()
    found = drawn(world)
    assert {name: done for name, (done, _) in found.items()} == {
        "checkpoint": True,
        "code": False,
        "graph": False,
        "image": True,
    }
    assert (found["checkpoint"][1][-1], found["image"][1][0]) == ("step 800", DIGEST)


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ({"git": {"url": "https://git.test/a", "ref": "main"}}, ["https://git.test/a main"]),
        ({"ufile": {"archive": "a.zip"}}, ["a.zip"]),
        ({"configMap": {"name": "code"}}, ["ConfigMap code"]),
    ],
)
def test_the_code_is_named_as_the_spec_does(source: Object, lines: list[str]) -> None:
    world = World()
    world.spec["source"] = source | {"dockerfile": "Dockerfile"}
    assert drawn(world)["code"][1] == [*lines, "Dockerfile", "not pinned yet"]


@pytest.mark.parametrize(("error", "lines"), [(BrokenPipeError, 0), (ConnectionResetError, 0), (KeyError, 1)])
def test_a_browser_that_goes_away_is_no_error(server: Dashboard, capsys, error: type[Exception], lines: int) -> None:
    try:
        raise error  # noqa: TRY301 - socketserver calls it while an error is handled
    except error:
        server.handle_error(None, ("127.0.0.1", 1))
    assert capsys.readouterr().err.count("Traceback") == lines


def test_the_command_prints_the_address_and_serves_it(api: ApiServer, ask, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def serve_forever(server: Dashboard) -> None:
        server.server_close()
        raise KeyboardInterrupt

    monkeypatch.setattr(Dashboard, "serve_forever", serve_forever)
    monkeypatch.setattr(command.webbrowser, "open", opened.append)
    code, out, err = ask("dashboard", "--open")
    assert code == 0
    assert out.startswith("http://127.0.0.1:")
    assert len(out.split("/")[3]) >= 43, "256 bits"
    assert "Ctrl-C ends it." in err
    assert opened == [out.strip()]


@pytest.fixture
def picture(tmp_path) -> bytes:
    """A picture with boxes of `detector`, among files that the dashboard must not serve."""
    plain = io.BytesIO()
    Image.new("RGB", (20, 10), "#336699").save(plain, "PNG")
    for file, origin in {
        "street.boxes.png": drawing.Origin(NAMESPACE, "detector", DIGEST),
        "other.boxes.png": drawing.Origin(NAMESPACE, "other", DIGEST),
        "elsewhere.boxes.png": drawing.Origin("team-b", "detector", DIGEST),
        "street.png": drawing.Origin(NAMESPACE, "detector", DIGEST),
    }.items():
        drawing.draw(plain.getvalue(), [], tmp_path / file, origin)
    (tmp_path / "of-another-tool.boxes.png").write_bytes(plain.getvalue())
    (tmp_path / "no-picture.boxes.png").write_text("not a picture")
    return (tmp_path / "street.boxes.png").read_bytes()


def test_the_pictures_that_try_has_drawn_are_shown_with_their_object(browser: Browser, picture: bytes) -> None:
    _, found = browser.get("api/objects/team-a/detector")
    assert [(one["file"], one["digest"]) for one in found["pictures"]] == [("street.boxes.png", DIGEST)]
    status, headers, body = browser.ask(f"{browser.root}api/objects/team-a/detector/pictures/street.boxes.png?1")
    assert (status, headers["Content-Type"], body) == (200, "image/png", picture)


@pytest.mark.parametrize(
    "file",
    [
        *("other.boxes.png", "elsewhere.boxes.png", "street.png", "of-another-tool.boxes.png", "no-picture.boxes.png"),
        *("kubeconfig", "..%2Fstreet.boxes.png", "%2e%2e", ".%2Fstreet.boxes.png", "street.boxes.png%00"),
    ],
)
def test_no_other_file_is_served(browser: Browser, picture: bytes, file: str) -> None:
    assert browser.ask(f"{browser.root}api/objects/team-a/detector/pictures/{file}")[0] == 404


def test_without_pillow_there_are_no_pictures(browser: Browser, picture: bytes, monkeypatch) -> None:
    monkeypatch.setattr(drawing, "is_possible", lambda: False)
    assert browser.get("api/objects/team-a/detector")[1]["pictures"] == []
