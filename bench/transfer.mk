.PHONY: bench-transfer
TRANSFER ?=

bench-transfer: packages ## UFile transfers against curl and the SDK (TRANSFER="--size 0.5 --rounds 1": a quick one)
	@PYTHONPATH=.:job_contract:object_store $(PY) -m bench.transfer $(TRANSFER)
