.PHONY: demo
demo: setup setup-tf ## the whole story on a cluster of its own: train, export, build, test, publish, serve
	@$(PY) -m demo
