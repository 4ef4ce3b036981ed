.PHONY: bench-export
bench-export: setup setup-tf ## the export step over the bare exporter; the image's size
	@PYTHONPATH=.:job_contract:object_store:export_job $(PY) -m bench.export
