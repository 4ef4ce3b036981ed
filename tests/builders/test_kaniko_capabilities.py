"""Kaniko needs exactly the capabilities of docs/decisions/0003: each one taken away breaks a common Dockerfile.

Needs root, for Kaniko's own root file system; no cluster.
"""

import io
import re
import tarfile

import pytest

from devcluster.images import oci
from inference_image_operator.jobs.stages.kaniko import CAPABILITIES
from tests.builders.lab import File, Lab, Outcome, open_lab, push

NUMBERS = {"CHOWN": 0, "DAC_OVERRIDE": 1, "FOWNER": 3, "FSETID": 4, "SETGID": 6, "SETUID": 7, "SETFCAP": 31}
"""From linux/capability.h."""
COMMON = """FROM <system>
RUN useradd --create-home app && chmod 2755 /home/app
RUN printf x > /srv/x && install -o app -g app -m 4755 /srv/x /srv/y
COPY --chown=app:app d /home/app/d/
USER app
RUN printf y > /home/app/made
USER root
RUN mkdir /srv/of-root && chown games:www-data /srv/of-root && printf z > /home/app/d/z
"""
WITHOUT_RUN = "FROM <small>\nCOPY --chown=7:8 d /d/\n"


@pytest.fixture(scope="module")
def lab(place, tmp_path_factory):
    with open_lab(place, tmp_path_factory.mktemp("lab")) as found:
        yield found


def build(lab: Lab, dockerfile: str, *without: str) -> Outcome:
    kept = [number for name, number in NUMBERS.items() if name not in without]
    return lab.kaniko(lab.rewritten(lab.bases.filled(dockerfile))[0], kept)


def fails(outcome: Outcome, words: str) -> bool:
    return outcome.image is None and re.search(words, outcome.output) is not None


def test_the_numbers_are_those_of_the_operators_capabilities():
    assert sorted(NUMBERS) == CAPABILITIES


def test_all_of_them_build_what_people_write(lab):
    image = build(lab, COMMON).image
    assert image.files["/home/app/d/x"] == File("X", 0o644, 1000, 1000)
    assert image.files["/home/app/made"] == File("y", 0o644, 1000, 1000)
    assert image.files["/srv/y"] == File("x", 0o4755, 1000, 1000)
    assert image.folders["/home/app"][1:] == (0o2755, 1000, 1000)
    assert image.folders["/srv/of-root"][1:] == (0o755, 5, 33)


@pytest.mark.parametrize("name", ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"])
def test_without_one_the_build_fails(lab, name):
    assert fails(build(lab, COMMON, name), r"not permitted|denied|copying dir")


def test_without_fsetid_the_image_is_wrong(lab):
    assert build(lab, COMMON, "FSETID").image.folders["/home/app"][1:] != (0o2755, 1000, 1000)


@pytest.mark.parametrize("name", ["CHOWN", "FOWNER"])
def test_without_run_the_first_three_are_needed(lab, name):
    assert fails(build(lab, WITHOUT_RUN, name), r"not permitted|denied")


def test_without_run_the_others_are_not_needed(lab):
    image = build(lab, WITHOUT_RUN, "FSETID", "SETGID", "SETUID", "SETFCAP").image
    assert image.files["/d/x"] == File("X", 0o644, 7, 8)


def test_without_setfcap_a_base_with_file_capabilities_cannot_be_unpacked(lab, tmp_path):
    base = _base_with_file_capability(lab, tmp_path)
    text = f"FROM {base}\nCOPY a /srv/a\n"
    assert build(lab, text).image.files["/srv/a"] == File("A")
    assert fails(build(lab, text, "SETFCAP"), r"security\.capability")


def _base_with_file_capability(lab: Lab, folder) -> str:
    """A base like those with `ping`: a file has the attribute security.capability."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo("ping")
        value = (b"\x01\x00\x00\x02\x00\x20" + bytes(14)).decode("latin-1")  # version 2, cap_net_raw
        info.pax_headers = {"SCHILY.xattr.security.capability": value}
        archive.addfile(info)
    oci.write_layout(folder / "layout", "ping:1", packed.getvalue(), {"Env": ["PATH=/bin"]})
    push(folder / "layout", f"{lab.bases.registry}/base/ping:1")
    return lab.pinned(f"{lab.bases.registry}/base/ping:1")
