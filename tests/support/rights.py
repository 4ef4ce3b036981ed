"""The minimal rights of each stage in US3, as docs/guides/us3.md lists them.

Tests keep page, table and code consistent.

By stage and operation: the fields of the spec that name the keys.
"""

from devcluster.ufile import KeyPair

MODEL, LABELS, SOURCE, SAMPLE, OUTPUT = (
    "model.prefix",
    "model.labelMap",
    "source.ufile",
    "test.sample",
    "export.outputPrefix",
)
NEEDED = {
    "Resolve": {
        "download": (MODEL, LABELS, SOURCE, SAMPLE, OUTPUT),
        "list": (MODEL, SOURCE),
        "upload": (OUTPUT,),
    },
    "Export": {"download": (MODEL, OUTPUT), "list": (OUTPUT,), "upload": (OUTPUT,)},
    "Build": {"download": (LABELS, SOURCE, OUTPUT)},
    "Test": {"download": (SAMPLE, LABELS, OUTPUT)},
}
KEYS = {
    MODEL: "uai/object-train-output/",
    LABELS: "uai/object-prep-output/label_map.pbtxt",
    SOURCE: "uai/object-detect/",
    SAMPLE: "uai/samples/shapes.png",
    OUTPUT: "uai/object-export-output/",
}
"""The keys of these fields in the tests."""


def each(stage: str):
    """Every right of the stage as (operation, field)."""
    return [(operation, field) for operation, fields in NEEDED[stage].items() for field in fields]


def role(stage: str, without=None) -> KeyPair:
    """Temporary keys whose role has exactly these rights, or all except one."""
    grants = {}
    for operation, field in each(stage):
        if (operation, field) != without:
            grants[operation] = (*grants.get(operation, ()), KEYS[field])
    return KeyPair(f"STS.{stage}", "role-key", security_token="role-token", grants=grants)


def token() -> KeyPair:
    """The one token for an InferenceImage: every operation and every prefix of the table, and nothing else."""
    rights = [right for stage in NEEDED for right in each(stage)]
    operations = tuple(sorted({operation for operation, _ in rights}))
    return KeyPair("TOKEN_least", "token-key", operations=operations, prefixes=tuple(KEYS.values()))
