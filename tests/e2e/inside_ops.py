"""Changes objects in the object store; runs inside the cluster's network, instructions as JSON on standard input.

Each is one of `{"copy": [from, to]}`, `{"delete": key}`, `{"write": [key, text]}`.
"""

import json
import sys

from demo.seed import store

if __name__ == "__main__":
    target = store()
    for step in json.load(sys.stdin):
        ((verb, value),) = step.items()
        if verb == "copy":
            target.copy(*value)
        elif verb == "delete":
            target.delete(value)
        else:
            target.write(value[1].encode(), value[0])
