"""`make demo` and `make demo-tutorial`: runs a whole scenario. A second run reuses what is unchanged."""

import subprocess
import sys

from demo import install, memory, parts, pipeline, seed_run, serve, summary
from demo.scenario import BY_TITLE, OBJECT_DETECT, Scenario
from devcluster.lib import system
from devcluster.lib.progress import say, step
from devcluster.lib.run import CommandError, NotReadyError


def main(scenario: Scenario) -> int:
    """Returns the exit code: 1 after printing an error message."""
    try:
        references, trained = parts.ensure(scenario)
        say("The cluster is ready. Kubeconfig: .devcluster/kubeconfig")
        say(f"The training left a checkpoint at step {trained.step}: {trained.directory.name}")
        with step("Uploading checkpoint, label map, code and test sample"):
            uploaded = seed_run.run(scenario)
        with step("Installing the CRD and the operator", "Helm waits until the operator is ready"):
            install.operator(references)
            install.namespace(scenario.namespace)
        with memory.Sampler() as peaks:
            image = pipeline.run(scenario, renew=uploaded > 0)
        with step("Serving the published image"):
            answers = serve.run(scenario, image)
        summary.write(scenario, image, answers, peaks)
    except (CommandError, NotReadyError, system.MachineError, OSError, subprocess.TimeoutExpired) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(BY_TITLE[sys.argv[1]] if sys.argv[1:] else OBJECT_DETECT))
