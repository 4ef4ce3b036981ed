.PHONY: reference
reference: setup ## regenerate the generated pages of docs/reference
	@PYTHONPATH=.:$(IMPORTED) $(PY) -m docs_tools
