"""Ten tenants at work beside an eleventh that sends everything it can."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
import yaml

from tests.hostile.confined import Confined
from tests.hostile.stranger import NAMESPACE, Stranger
from tests.hostile.tenants import Tenants
from tests.loop.api import Api
from tests.loop.conftest import CRD, Operator

ROUNDS = 5
"""One round within the bound suffices: other work on the machine delays some, a neighbour would delay all."""
MOST = 1.2
"""What the ten may take beside the stranger, in units of what ten others take at the same time without it."""
BESIDE, ALONE = ([f"{kind}-{number}" for number in range(10)] for kind in ("beside", "alone"))


@pytest.fixture
def confined(plane, api, tmp_path) -> Iterator[dict[str, Confined]]:
    """Two operators on one API server: one that serves the stranger too, and one that does not."""
    for name in (*BESIDE, *ALONE, NAMESPACE):
        api.request("POST", "/api/v1/namespaces", {"kind": "Namespace", "metadata": {"name": name}})
    with ExitStack() as stack:
        found = {}
        for name, namespaces in (("beside", [*BESIDE, NAMESPACE]), ("alone", ALONE)):
            (tmp_path / name).mkdir()
            config = {"watchNamespaces": namespaces, "resync": "10m", "scheduling": {"allowAffinity": True}}
            operator = Operator(plane, api, namespaces[0], tmp_path / name, **config)
            found[name] = stack.enter_context(Confined(operator, name))
        yield found


def test_one_tenant_never_stops_another(plane, api, confined, capsys):
    """The machine and the API server are busy with the stranger for both; only one of the operators is."""
    schema = yaml.safe_load(CRD.read_text())["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    victims = Tenants(api, BESIDE, confined["beside"].operator, "victim")
    victims.run()
    stranger = Stranger(plane, api, schema, victims.objects)
    stranger.send_all()
    for one in confined.values():
        one.restart()
    ratios = []
    with stranger.at_it():
        while len(ratios) < ROUNDS and (not ratios or min(ratios) > MOST):
            with ThreadPoolExecutor(2) as pool:
                both = [pool.submit(seconds, plane, *one, f"round-{len(ratios)}") for one in confined.items()]
            beside, alone = (one.result() for one in both)
            ratios.append(beside / alone)
    hostile = confined["beside"]
    report = (
        f"fields of the CRD at their extremes: {len(stranger.reached & stranger.fields)} of {len(stranger.fields)}",
        f"requests of the stranger: {stranger.accepted} accepted, {stranger.refused} refused",
        f"time of ten beside it, in units of ten without it: {', '.join(f'{ratio:.2f}' for ratio in ratios)}",
        f"memory at most {hostile.peak >> 20} of {hostile.limit >> 20} MiB",
        f"slowest answer of the liveness endpoint {hostile.slowest:.2f} s",
    )
    with capsys.disabled():
        print("", *report, sep="\n")
    assert stranger.reached >= stranger.fields
    assert hostile.failures == []
    assert min(ratios) <= MOST
    assert "Traceback" not in hostile.operator.log


def seconds(plane, name: str, confined: Confined, objects: str) -> float:
    """The time of one object in each of an operator's ten namespaces, until all are Ready."""
    return Tenants(Api(plane), {"beside": BESIDE, "alone": ALONE}[name], confined.operator, objects).run()
