.PHONY: bench-overhead bench-scale
bench-overhead: setup ## compare one pipeline of the operator with a bare script
	@$(BENCH) overhead

bench-scale: setup ## measure 500 InferenceImages at once, 5,000 finished ones, and Argo Workflows for comparison
	@$(BENCH) scale

BENCH := PYTHONPATH=.:job_contract:operator $(PY) -m bench
