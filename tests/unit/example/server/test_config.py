"""The server's configuration file, and the model class that it names."""

import json
from pathlib import Path

import pytest

from inference_server.config import Batching, ConfigError, ServiceConfig, read_config
from inference_server.model import create_model

EXEC = {"main_class": "Model", "main_file": "main"}


def write(directory: Path, document: object) -> str:
    file = directory / "conf.json"
    file.write_text(document if isinstance(document, str) else json.dumps(document))
    return str(file)


def test_the_tutorials_file_is_valid(tmp_path):
    config = read_config(
        write(tmp_path, {"http_server": {"exec": EXEC, "tensorflow": {"model_dir": "./checkpoint_dir"}}})
    )
    assert (config.main_class, config.main_file) == ("Model", "main")
    assert config.model_dir == tmp_path / "checkpoint_dir"


def test_the_models_part_may_be_absent(tmp_path):
    config = read_config(write(tmp_path, {"http_server": {"exec": EXEC}}))
    assert config.options == {}
    assert config.model_dir == tmp_path
    assert config.batching == Batching(max_size=8, max_delay=0.005, queue=64)


def test_batching_is_configured(tmp_path):
    batching = {"max_size": 16, "max_delay_ms": 0, "queue": 100}
    config = read_config(write(tmp_path, {"http_server": {"exec": EXEC, "batching": batching}}))
    assert config.batching == Batching(max_size=16, max_delay=0.0, queue=100)


@pytest.mark.parametrize(
    ("batching", "words"),
    [
        ({"max_size": 0}, "max_size must be a whole number from 1 to 256, not 0"),
        ({"max_size": 2.5}, "max_size must be a whole number"),
        ({"max_size": True}, "max_size must be a whole number"),
        ({"max_size": None}, "max_size must be a whole number"),
        ({"max_delay_ms": -1}, "max_delay_ms must be a whole number from 0 to 1000, not -1"),
        ({"max_delay_ms": float("inf")}, "max_delay_ms must be a whole number"),
        ({"max_delay_ms": float("nan")}, "max_delay_ms must be a whole number"),
        ({"queue": "64"}, "queue must be a whole number from 1 to 512, not '64'"),
        ({"queue": 513}, "queue must be a whole number"),
        ({"max_batch": 8}, "max_batch is unknown; use one of max_size, max_delay_ms, queue"),
        ([], "`batching`"),
    ],
)
def test_an_invalid_batching_is_named(tmp_path, batching, words):
    with pytest.raises(ConfigError, match=words):
        read_config(write(tmp_path, {"http_server": {"exec": EXEC, "batching": batching}}))


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("{", "not JSON"),
        ([], "`http_server`"),
        ({"http_server": {}}, "`exec`"),
        ({"http_server": {"exec": {"main_file": "main"}}}, "main_class"),
        ({"http_server": {"exec": {**EXEC, "main_file": 7}}}, "main_file"),
        ({"http_server": {"exec": EXEC, "tensorflow": "x"}}, "`tensorflow`"),
    ],
)
def test_an_invalid_file_is_named_with_the_error(tmp_path, document, words):
    file = write(tmp_path, document)
    with pytest.raises(ConfigError, match=words) as refusal:
        read_config(file)
    assert file in str(refusal.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"absent\.json cannot be read: No such file"):
        read_config(str(tmp_path / "absent.json"))


def test_an_unset_variable_is_named():
    with pytest.raises(ConfigError, match="UAI_SERVICE_CONFIG is not set"):
        read_config("")


@pytest.fixture
def config(tmp_path, monkeypatch):
    """A configuration in its own folder; modules imported from there are removed afterwards."""
    monkeypatch.setattr("sys.path", __import__("sys").path.copy())

    def make(main_file: str, source: str, main_class: str = "Model") -> ServiceConfig:
        (tmp_path / f"{main_file}.py").write_text(source)
        return ServiceConfig(main_class=main_class, main_file=main_file, directory=tmp_path, options={"a": 1})

    return make


def test_the_named_class_gets_the_configuration(config):
    source = "class Model:\n    def __init__(self, config):\n        self.config = config\n"
    wanted = config("main_made", source)
    assert create_model(wanted).config is wanted


def test_a_missing_module_is_named(tmp_path, config):
    wanted = ServiceConfig(main_class="Model", main_file="main_absent", directory=tmp_path, options={})
    config("other", "")
    with pytest.raises(ConfigError, match=r"contains no main_absent\.py"):
        create_model(wanted)


def test_a_missing_class_is_named(config):
    with pytest.raises(ConfigError, match=r"main_empty\.py has no such class"):
        create_model(config("main_empty", "Model = 7\n"))


def test_an_import_error_inside_the_module_propagates(config):
    with pytest.raises(ModuleNotFoundError, match="nowhere_to_be_found"):
        create_model(config("main_importing", "import nowhere_to_be_found\n"))
