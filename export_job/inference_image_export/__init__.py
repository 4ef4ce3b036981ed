"""The export step: from a pinned checkpoint in UFile to a verified frozen graph in UFile."""
