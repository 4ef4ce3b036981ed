"""`make demo`: runs the whole story and narrates it. A second run reuses what is unchanged."""

import subprocess
import sys

from demo import install, memory, pipeline, seed_run, serve, summary
from devcluster import __main__ as devcluster
from devcluster import cluster, fixture, images, settings, system
from devcluster.progress import say, step
from devcluster.run import CommandError, NotReadyError


def main() -> int:
    """Exit code 1 with an explained error."""
    try:
        with devcluster.alone():
            devcluster.prepare()
            cluster.up()
            say(f"The cluster is up. kubeconfig: {cluster.KUBECONFIG.relative_to(settings.REPOSITORY)}")
            references = images.push_all(images.build_all())
        trained = fixture.fixture()
        say(f"The fixture is a checkpoint of step {trained.step}: {trained.directory.name}")
        with step("Uploading checkpoint, label map, code and sample with the UFile SDK"):
            uploaded = seed_run.run(trained)
        with step("Installing CRD and operator", "helm, then the operator's own readiness"):
            install.operator(references)
            install.example()
        with memory.Sampler() as peaks:
            image = pipeline.run(renew=uploaded > 0)
        with step("Serving the published image"):
            answers = serve.run(image)
        summary.write(image, answers, peaks)
    except (CommandError, NotReadyError, system.MachineError, OSError, subprocess.TimeoutExpired) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
