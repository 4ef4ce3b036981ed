"""No key, signature or authorization header in any log, whatever its level, nor in any error."""

import logging
import subprocess
import sys

import pytest

from devcluster.ufile import Fault
from inference_image_contract.errors import StageError

FORBIDDEN = ("CANARY", "Authorization", "UCloud ", "Signature", "SecurityToken")


def _exercise(store, standin, folder):
    """Makes every kind of request, successful and failing; returns the texts of the failures."""
    (folder / "large").write_bytes(b"x" * 5_000_000)
    store.upload(folder / "large", "k")
    store.copy("k", "copy")
    store.list("", limit=9)
    store.read("copy", max_bytes=5_000_000)
    store.download("k", folder / "back")
    store.delete("copy")
    said = []
    for fault in (Fault(kind="status", times=-1), Fault(kind="reset", times=-1), Fault(kind="bad_json", times=-1)):
        standin.faults.clear()
        standin.faults.add(fault)
        for call in (
            lambda: store.list("", limit=9),
            lambda: store.download("k", folder / "back"),
            lambda: store.upload(folder / "large", "k"),
        ):
            with pytest.raises(StageError) as failed:
                call()
            said.append(f"{failed.value} {failed.value.hint} {failed.value.__cause__!r}")
    return said


@pytest.fixture
def _small_multipart(monkeypatch):
    monkeypatch.setattr("inference_image_store.upload.content.SINGLE_PUT", 4_194_304)


TEMPORARY = ("STS.CANARY-TEMPORARY", "CANARY-STS-KEY", None, "CANARY-SECURITY-TOKEN")


@pytest.mark.row(50, "canary secrets in every credential")
@pytest.mark.usefixtures("_small_multipart")
@pytest.mark.parametrize("keys", [(), TEMPORARY], ids=["an account's keys", "temporary keys"])
def test_no_secret_reaches_a_log_at_debug_level(keys, request, tmp_path, caplog, capfd):
    store, standin = request.getfixturevalue("connect")(*keys), request.getfixturevalue("standin")
    caplog.set_level(logging.DEBUG)
    logging.getLogger("UCLOUD").setLevel(logging.DEBUG)
    said = _exercise(store, standin, tmp_path)
    captured = capfd.readouterr()
    everything = "\n".join([caplog.text, captured.out, captured.err, *said])
    assert "urllib3" in caplog.text  # the capture works: logs of other libraries at that level are here
    assert "Trying again" in caplog.text
    assert [word for word in FORBIDDEN if word in everything] == []


def test_importing_the_store_silences_the_sdks_own_handler():
    code = (
        "import inference_image_store, logging; from ufile.logger import logger;"
        "logger.info('CANARY'); logger.error('CANARY'); print(logger.handlers, logger.propagate)"
    )
    command = [sys.executable, "-c", code]
    ended = subprocess.run(command, env={}, capture_output=True, text=True, check=True)
    assert (ended.stdout.strip(), ended.stderr) == ("[] False", "")
