.PHONY: bench-overhead bench-scale
bench-overhead: setup ## one pipeline by the operator over a bare script
	@$(BENCH) overhead

bench-scale: setup ## 500 InferenceImages at once, 5,000 finished ones, Argo Workflows beside
	@$(BENCH) scale

BENCH := PYTHONPATH=.:job_contract:operator $(PY) -m bench
