"""Checks of groups: Kaniko's Dockerfile runs them where only the image knows which group Docker takes."""

import pytest

from inference_image_build.builders import check, users
from inference_image_build.builders.kaniko import rewrite
from inference_image_contract.inputs import BaseSettings


@pytest.fixture
def context(tmp_path):
    (tmp_path / "a").write_text("a")
    return tmp_path


def rewritten(text: str, context, user: str = "") -> list[str]:
    dockerfile = check.read(text.encode(), "Dockerfile", {}, {"base": BaseSettings(user=user)})
    return rewrite.rewrite(dockerfile, text, {}, context).dockerfile.splitlines()


def script(context, name: str) -> str:
    (found,) = (context / ".inference-image/run").rglob(name)
    return f"/inference-image/context/{found.relative_to(context)}"


@pytest.mark.parametrize(
    ("user", "is_open"),
    [
        ("", False), ("root", False), ("0", False), ("0:0", False), ("root:root", False), ("app", False),
        ("1000", True), ("app:app", True), ("1000:1000", True), ("root:app", True), ("0:5", True),
    ],
)  # fmt: skip
def test_the_group_of_a_user_is_open_if_user_names_one_or_is_a_number(user, is_open):
    assert users.has_open_group(user) is is_open


@pytest.mark.parametrize(
    ("owner", "is_alone"), [("app", True), ("app:", True), ("app:app", False), ("1", False), (":app", False)]
)
def test_an_owner_is_a_name_alone(owner, is_alone):
    assert users.is_name_alone(owner) is is_alone


def test_run_checks_the_group_of_user(context):
    text = 'FROM base\nRUN one\nUSER app:app\nRUN ["two", "$x"]\nUSER root\nRUN three\n'
    found = rewritten(text, context, "1000")
    check_user = f'["/bin/sh", "{script(context, "check-user")}"'
    assert found[1] == f'RUN {check_user}, "1000", "/bin/sh", "-c", "one"]'
    assert found[3:] == [f'RUN {check_user}, "app:app", "two", "$x"]', "USER root", "RUN three"]


def test_an_owner_without_a_group_gets_the_group_of_that_name_after_a_check(context):
    text = "FROM base\nARG O=app\nCOPY --chmod=755 --chown=$O a /x/\nRUN x\nCOPY --chown=b:c . /y/\n"
    found = rewritten(text, context)
    assert found[2:4] == [
        f'RUN ["/bin/sh", "{script(context, "check-owner")}", "app"]',
        "COPY --chmod=755 --chown=app:app a /x/",
    ]
    assert found[-1] == 'COPY --chown=b:c [".inference-image/line-5/0/", "/y/"]'
