.PHONY: bench-transfer
TRANSFER ?=

bench-transfer: packages ## compare UFile transfers with curl and the SDK (TRANSFER="--size 0.5 --rounds 1" for a quick run)
	@PYTHONPATH=.:job_contract:object_store $(PY) -m bench.transfer $(TRANSFER)
