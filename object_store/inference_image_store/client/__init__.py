"""One bucket: its objects, the SDK that signs, the wire."""
