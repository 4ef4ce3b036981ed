.PHONY: demo demo-tutorial
demo: setup setup-tf ## run everything on a development cluster: train, export, build, test, publish, serve
	@$(PY) -m demo

demo-tutorial: setup setup-tf ## the same with the tutorial's parts: Python 2.7, TensorFlow 1.7.0, the full-size model
	@$(PY) -m demo demo-tutorial
