.PHONY: test-faults test-faults-fast test-faults-node
FAULT_WORKERS ?= 3
FAULT_ROWS := out/test-faults-rows.json
FAULT_TABLE := FAULTS_REPORT=docs/operations/reliability.md FAULTS_ROWS=$(FAULT_ROWS)

test-faults: packages setup-tf ## test every fault of docs/operations/reliability.md and write its table (FULL=1: full length)
	@rm -f $(FAULT_ROWS)
	@$(FAULT_TABLE) $(PY) -m pytest -q -n 2 --dist loadgroup --timeout=1200 -m row tests/e2e
	@$(FAULT_TABLE) $(PY) -m pytest -q -n $(FAULT_WORKERS) --timeout=3600 tests/faults

test-faults-fast: setup ## test a fixed selection of the faults
	@$(PY) -m pytest -q -n $(FAULT_WORKERS) -m "not long" tests/faults

test-faults-node: packages setup-tf ## test only the faults of nodes and pods, on the real kubelet
	@$(PY) -m pytest -q -n 2 --dist loadgroup --timeout=1200 -m row tests/e2e
