"""The export step: from a pinned checkpoint in US3 to a verified frozen graph in US3."""
