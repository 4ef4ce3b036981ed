"""`python -m bench.pipelines overhead|scale|growth|finished [--count N] …`: runs one benchmark."""

import argparse

from bench.pipelines import finished, growth, overhead, scale

PROFILE = "write the API server's profiles into out/bench"


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.pipelines", description=__doc__)
    commands = parser.add_subparsers(required=True, dest="benchmark")
    one = commands.add_parser("overhead")
    one.add_argument("--rounds", type=int, default=9)
    many = commands.add_parser("scale")
    many.add_argument("--count", type=int, default=500, help="pipelines at once")
    many.add_argument("--profile", action="store_true", help=PROFILE)
    many.add_argument("--without-argo", action="store_true", help="no Argo Workflows, whose build takes minutes")
    more = commands.add_parser("growth")
    more.add_argument("--few", type=int, default=200, help="pipelines at once")
    more.add_argument("--many", type=int, default=2000, help="pipelines at once, ten times as many")
    more.add_argument("--script", action="store_true", help="the script in place of the operator")
    more.add_argument("--profile", action="store_true", help=PROFILE)
    rest = commands.add_parser("finished")
    rest.add_argument("--objects", type=int, default=5000, help="finished InferenceImages")
    arguments = parser.parse_args()
    match arguments.benchmark:
        case "overhead":
            overhead.main(arguments.rounds)
        case "scale":
            scale.main(arguments.count, with_argo=not arguments.without_argo, profile=arguments.profile)
        case "growth" if arguments.script:
            growth.by_the_script(arguments.few, arguments.many, profile=arguments.profile)
        case "growth":
            growth.main(arguments.few, arguments.many, profile=arguments.profile)
        case "finished":
            finished.main(arguments.objects)


if __name__ == "__main__":
    main()
