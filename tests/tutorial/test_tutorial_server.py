"""The server of the tutorial's base image: UAI-Inference's contract for clients and models."""

import ast
import re

import pytest

BASE = "from uai.arch.tf_model import TFAiUcloudModel\n"
ANSWERS = (
    BASE
    + """
class Model(TFAiUcloudModel):
    def __init__(self, conf):
        super(Model, self).__init__(conf)

    def load_model(self):
        self.loaded = [self.model_dir]

    def execute(self, data, batch_size):
        body = data[0].read()
        if body == b"raise":
            raise ValueError("no picture")
        if body == b"many":
            return [1, 2]
        if body == b"text":
            return [u"\\u732b"]
        return [[[0.25, 1.0, u"cat"], len(data), batch_size, len(body), self.loaded]]
"""
)
RAISES = (
    BASE
    + """
class Model(TFAiUcloudModel):
    def load_model(self):
        raise IOError("no graph there")
"""
)
KILLED = (
    BASE
    + """
import os, signal
class Model(TFAiUcloudModel):
    def load_model(self):
        os.kill(os.getpid(), signal.SIGKILL)
"""
)


@pytest.fixture
def service(serve):
    return serve("model", "Model", model=ANSWERS)


@pytest.mark.parametrize("size", [5, 3 << 20], ids=["at once", "after a 100 Continue"])
def test_an_answer_is_the_models_result_as_python_prints_it(service, tmp_path, size):
    picture = tmp_path / "picture.jpg"
    picture.write_bytes(b"x" * size)
    status, body = service.curl("/service", "--request", "POST", "--upload-file", picture)
    assert (status, body[:24]) == (200, b"[[0.25, 1.0, u'cat'], 1,")
    assert ast.literal_eval(body.decode()) == [[0.25, 1.0, "cat"], 1, 1, size, ["./checkpoint_dir"]]


def test_a_body_can_be_chunked(service, tmp_path):
    picture = tmp_path / "picture.jpg"
    picture.write_bytes(b"x" * 200_000)
    chunked = ("--header", "Transfer-Encoding: chunked", "--data-binary", f"@{picture}")
    status, body = service.curl("/service", *chunked)
    assert (status, ast.literal_eval(body.decode())[3]) == (200, 200_000)


def test_it_reports_readiness_and_memory(service):
    assert service.curl("/initialized") == (200, b"YES")
    status, body = service.curl("/metrics")
    found = re.search(r"^process_resident_memory_bytes (\d+)$", body.decode(), re.MULTILINE)
    assert status == 200
    assert 5 << 20 < int(found[1]) < 100 << 20


@pytest.mark.parametrize(
    ("sent", "status", "answer"),
    [
        ("raise", 500, b"ValueError: no picture\n"),
        ("many", 500, b"ValueError: too many values to unpack\n"),
        ("text", 200, "猫".encode()),
    ],
)
def test_an_exception_of_the_model_ends_only_one_request(service, sent, status, answer):
    assert service.curl("/service", "--data-binary", sent) == (status, answer)
    assert service.curl("/service", "--data-binary", "x")[0] == 200


def test_an_input_that_is_too_long_is_refused(service, tmp_path):
    picture = tmp_path / "picture.jpg"
    with picture.open("wb") as file:
        file.truncate((64 << 20) + 1)
    status, body = service.curl("/service", "--data-binary", f"@{picture}")
    assert (status, body) == (413, b"The input has more than 67108864 bytes\n")


@pytest.mark.parametrize("request_line", [("GET", "/"), ("GET", "/service"), ("POST", "/initialized")])
def test_other_paths_are_not_found(service, request_line):
    method, path = request_line
    assert service.curl(path, "--request", method)[0] == 404


@pytest.mark.parametrize(
    ("main_file", "main_class", "model", "words"),
    [
        ("model", "Model", RAISES, "IOError: no graph there"),
        ("model", "Other", ANSWERS, "has no attribute 'Other'"),
        ("other", "Model", ANSWERS, "No module named other"),
        ("model", "Model", KILLED, "raise the container's memory limit"),
    ],
    ids=["does not load", "no such class", "no such file", "is killed"],
)
def test_a_model_that_cannot_be_loaded_ends_the_container(serve, main_file, main_class, model, words):
    service = serve(main_file, main_class, model=model)
    assert service.end() != 0
    assert words in service.log
