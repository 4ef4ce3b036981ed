"""`make bench-export`: the export step beside the bare exporter."""
