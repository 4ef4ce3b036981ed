.PHONY: test-model test-model-fast mutation
test-model: setup ## every interleaving of the control loop's model, with the number of states
	@$(PY) -m pytest -q -s tests/model

test-model-fast: setup ## a part of the same
	@$(PY) -m pytest -q tests/model/test_model_quick.py

mutation: setup ## does a unit test notice every change of the pure core
	@PYTHONPATH=.:job_contract:operator $(PY) -m bench.mutation
