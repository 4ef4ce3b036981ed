"""Reads the memory that an image reports in Prometheus' text format (exposition formats, version 0.0.4)."""

import re

PATH = "/metrics"
MAX_BYTES = 1024**2
_PEAK, _NOW = "process_resident_memory_peak_bytes", "process_resident_memory_bytes"
"""The example's server exports both; Prometheus' client libraries export the second for every process."""
_LINE = re.compile(
    rf"^(?P<name>{_PEAK}|{_NOW})(?:\{{[^}}\n]{{0,999}}\}})?[ \t]+(?P<value>[0-9.eE+]{{1,32}})", re.MULTILINE
)


def resident_bytes(body: bytes) -> int:
    """Bytes of the resident set, the peak if it is reported; 0 when neither is."""
    found: dict[str, int] = {}
    for line in _LINE.finditer(body.decode("utf-8", errors="replace")):
        try:
            value = int(float(line["value"]))
        except (ValueError, OverflowError):
            continue
        found[line["name"]] = max(found.get(line["name"], 0), value)
    return found.get(_PEAK) or found.get(_NOW, 0)
