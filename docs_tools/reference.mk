.PHONY: reference
reference: setup ## the pages of docs/reference that are generated, written anew
	@PYTHONPATH=.:$(IMPORTED) $(PY) -m docs_tools
