.PHONY: test-model test-model-fast mutation
test-model: setup ## explore every interleaving of the control loop's model; prints the number of states
	@$(PY) -m pytest -q -s tests/model

test-model-fast: setup ## explore a part of the model
	@$(PY) -m pytest -q tests/model/test_model_quick.py

mutation: setup ## mutate the pure core and check that a unit test notices
	@PYTHONPATH=.:job_contract:operator $(PY) -m bench.mutation
