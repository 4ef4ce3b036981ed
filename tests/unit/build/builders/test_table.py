"""The table of builders is whole: a row for every instruction and flag, a proof for every row."""

import re
from pathlib import Path

import pytest

from inference_image_build.builders import table
from inference_image_build.builders.table import Verdict
from inference_image_build.dockerfile.rules import RULES
from inference_image_contract.inputs import ResolveInput
from inference_image_operator.config.installation import Builders
from tests.builders.proofs import PROOFS

ROOT = Path(__file__).parents[4]
FLAGS = [f"{name} --{flag}" for name, rule in RULES.items() for flag in sorted(rule.flags)]


@pytest.mark.parametrize("name", RULES)
def test_every_instruction_has_a_row(name):
    assert name in table.TABLE


@pytest.mark.parametrize("flag", FLAGS)
def test_every_flag_has_a_row(flag):
    assert [row for row in table.TABLE if row == flag or row.startswith((f"{flag}=", f"{flag} "))]


def test_every_row_has_a_proof_and_a_column_for_each_builder():
    assert set(PROOFS) == set(table.TABLE)
    assert {len(row) for row in table.TABLE.values()} == {len(table.BUILDERS)}
    assert set(table.BUILDERS) == set(Builders().allowed)
    assert ResolveInput.__struct_defaults__ is not None


def test_every_note_is_that_of_a_row_and_what_is_nearly_done_has_one():
    assert set(table.NOTES) - set(table.TABLE) == set()
    nearly = {feature for feature, row in table.TABLE.items() if Verdict.NEARLY in row}
    assert nearly - set(table.NOTES) == set()


def test_the_rows_were_proven_with_the_kaniko_that_is_built():
    modules = (ROOT / "devcluster/tools/kaniko/go.mod").read_text()
    built = re.search(r"chainguard-dev/kaniko v(\S+)", modules)
    assert built
    assert built[1] == table.KANIKO, "prove the table again: make test-builders, then set table.KANIKO"
