.PHONY: bench-serving
EXAMPLE_PATH := examples/object-detect/server:examples/object-detect/code:examples/object-detect/training

bench-serving: setup setup-tf ## compare the example's server with a plain one: both runtimes, 1 to 32 clients
	@PYTHONPATH=.:job_contract:object_store:export_job:$(EXAMPLE_PATH) $(PY_TF) -m bench.serving
