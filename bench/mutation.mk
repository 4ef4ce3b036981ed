.PHONY: test-model mutation
test-model: setup ## every interleaving of the control loop's model, with the number of states
	@$(PY) -m pytest -q -s tests/model

mutation: setup ## does a unit test notice every change of the pure core
	@PYTHONPATH=.:job_contract:operator $(PY) -m bench.mutation
