"""Build contexts: the files of an image, and changes of its cache key."""

import pytest

from devcluster.images import context


@pytest.mark.parametrize(
    ("dockerfile", "sources"),
    [
        ("FROM x\nCOPY a b /app\n", ["a", "b"]),
        ("COPY --chown=1:1 a/ /app\n", ["a"]),
        ("COPY --from=other /x /y\n", []),
        ("add a.tar /\n", ["a.tar"]),
        ("COPY a \\\n  b \\\n  /app/\n", ["a", "b"]),
        ("# COPY a /app\nRUN echo COPY a b\n", []),
    ],
)
def test_the_paths_that_a_dockerfile_copies(dockerfile, sources):
    assert context.copied(dockerfile) == sources


@pytest.fixture
def project(tmp_path):
    (tmp_path / "package" / "__pycache__").mkdir(parents=True)
    (tmp_path / "package" / "__pycache__" / "a.pyc").write_bytes(b"compiled")
    (tmp_path / "package" / "a.py").write_text("a = 1\n")
    (tmp_path / "lock.txt").write_text("x==1\n")
    (tmp_path / "other.txt").write_text("not copied\n")
    (tmp_path / "Dockerfile").write_text("FROM x\nCOPY lock.txt /\nCOPY package /app/package\n")
    return tmp_path


def key_of(project, *settings):
    dockerfile = project / "Dockerfile"
    return context.key(dockerfile, context.gather(project, dockerfile, {}), *settings)


def test_the_context_contains_only_copied_files(project):
    assert sorted(context.gather(project, project / "Dockerfile", {})) == ["lock.txt", "package/a.py"]


def test_a_missing_source_is_named(project):
    (project / "lock.txt").unlink()
    with pytest.raises(FileNotFoundError, match=r"lock\.txt"):
        context.gather(project, project / "Dockerfile", {})


def test_an_extra_file_enters_the_context(project):
    program = project / "other.txt"
    (project / "Dockerfile").write_text("FROM scratch\nCOPY executor /executor\n")
    assert context.gather(project, project / "Dockerfile", {"executor": program}) == {"executor": program}


@pytest.mark.parametrize(
    ("path", "text"),
    [("package/a.py", "a = 2\n"), ("package/b.py", ""), ("Dockerfile", "FROM y\nCOPY lock.txt /\n")],
)
def test_the_key_changes_with_every_input(project, path, text):
    before = key_of(project)
    (project / path).write_text(text)
    assert key_of(project) != before


def test_the_key_changes_with_a_settings_value_and_a_mode(project):
    keys = {key_of(project), key_of(project, "base")}
    (project / "package" / "a.py").chmod(0o755)
    assert len(keys | {key_of(project)}) == 3


@pytest.mark.parametrize("path", ["other.txt", "package/__pycache__/a.pyc"])
def test_the_key_ignores_the_rest(project, path):
    before = key_of(project)
    (project / path).write_text("changed")
    assert key_of(project) == before


def test_staged_files_have_the_epoch_as_modification_time(project, tmp_path):
    target = tmp_path / "staged"
    target.mkdir()
    context.stage(context.gather(project, project / "Dockerfile", {}), target)
    staged = [path for path in target.rglob("*") if path.is_file()]
    assert sorted(path.name for path in staged) == ["a.py", "lock.txt"]
    assert {path.stat().st_mtime for path in target.rglob("*")} == {0}
