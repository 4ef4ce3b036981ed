"""Words that reveal why a registry refuses, in its response or in a builder's log.

The distribution specification has no codes for a quota or an immutable tag; registries say it in the message.
Others write the text, so the patterns read it once: no part of open length.
"""

import re

QUOTA = re.compile(r"quota|storage limit|exceed\w{0,8} the (?:configured )?(?:upper )?limit|tag limit", re.IGNORECASE)
IMMUTABLE = re.compile(r"immutable", re.IGNORECASE)
TOO_LARGE = re.compile(r"SIZE_INVALID|413 Request Entity Too Large|413 Payload Too Large|BLOB_TOO_LARGE", re.IGNORECASE)
DEPOT_FULL = "no space left on device in the depot"
"""What the registry that serves Kaniko's depot answers when its volume is full."""
