.PHONY: reference
reference: setup ## generate the pages of docs/reference
	@PYTHONPATH=.:$(IMPORTED) $(PY) -m docs_tools
