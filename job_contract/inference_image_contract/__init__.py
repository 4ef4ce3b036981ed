"""What the operator and the containers of its Jobs agree on: inputs, results, reasons, exit codes, paths.

Pure: no I/O but reading the input and writing the result; imported by the operator and by every Job image.
"""

__version__ = "0.1.0"
