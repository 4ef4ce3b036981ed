"""What a run needs and what takes long the first time: programs, images and the training, made side by side."""

from concurrent.futures import ThreadPoolExecutor

from demo.scenario import Scenario
from devcluster import __main__ as devcluster
from devcluster import cluster, fixture
from devcluster.images import catalog


def ensure(scenario: Scenario) -> tuple[dict[str, str], fixture.Fixture]:
    """The references of the images in the running cluster's registry, and the training's output.

    A step that nothing waits for runs beside the others: Go compiles while images wait for downloads.
    Raises what `devcluster up`, an image build or the training raises, once all have ended.
    """
    with devcluster.alone():
        devcluster.prepare()
        with ThreadPoolExecutor() as beside:
            training = beside.submit(fixture.fixture, scenario.training)
            layouts = beside.submit(catalog.build_all, catalog.and_named(scenario.images))
            cluster.up()
            references = catalog.push_all(layouts.result())
    return references, training.result()
