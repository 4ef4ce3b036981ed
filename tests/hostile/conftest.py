"""A real control plane. The operators are processes of tests/hostile/confined.py."""

from tests.loop.conftest import api, plane  # noqa: F401 - fixtures
