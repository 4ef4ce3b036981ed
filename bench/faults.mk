.PHONY: test-faults test-faults-fast
FAULT_WORKERS ?= 3

test-faults: setup ## every fault of docs/reliability.md, and its table (FULL=1: at whole length)
	@FAULTS_REPORT=docs/reliability.md $(PY) -m pytest -q -n $(FAULT_WORKERS) --timeout=3600 tests/faults

test-faults-fast: setup ## a fixed selection of the faults
	@$(PY) -m pytest -q -n $(FAULT_WORKERS) -m "not long" tests/faults
