.PHONY: bench-export
bench-export: setup setup-tf ## compare the export step with the bare exporter; measure the image
	@PYTHONPATH=.:job_contract:object_store:export_job $(PY) -m bench.export
