"""`make demo` and `make demo-tutorial`: runs a whole story and narrates it. A second run reuses what is unchanged."""

import subprocess
import sys

from demo import install, memory, pipeline, seed_run, serve, summary
from demo.story import BY_TITLE, OBJECT_DETECT, Story
from devcluster import __main__ as devcluster
from devcluster import cluster, fixture
from devcluster.images import catalog
from devcluster.lib import system
from devcluster.lib.progress import say, step
from devcluster.lib.run import CommandError, NotReadyError


def main(story: Story) -> int:
    """Exit code 1 with an explained error."""
    try:
        with devcluster.alone():
            devcluster.prepare()
            cluster.up()
            say("The cluster is up. kubeconfig: .devcluster/kubeconfig")
            references = catalog.push_all(catalog.build_all(catalog.and_named(story.images)))
        trained = fixture.fixture(story.training)
        say(f"The fixture is a checkpoint of step {trained.step}: {trained.directory.name}")
        with step("Uploading checkpoint, label map, code and sample with the UFile SDK"):
            uploaded = seed_run.run(story)
        with step("Installing CRD and operator", "helm, then the operator's own readiness"):
            install.operator(references)
            install.namespace(story.namespace)
        with memory.Sampler() as peaks:
            image = pipeline.run(story, renew=uploaded > 0)
        with step("Serving the published image"):
            answers = serve.run(story, image)
        summary.write(story, image, answers, peaks)
    except (CommandError, NotReadyError, system.MachineError, OSError, subprocess.TimeoutExpired) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(BY_TITLE[sys.argv[1]] if sys.argv[1:] else OBJECT_DETECT))
