.PHONY: demo demo-tutorial
demo: setup setup-tf ## the whole story on a cluster of its own: train, export, build, test, publish, serve
	@$(PY) -m demo

demo-tutorial: setup setup-tf ## the same with the tutorial's own parts: Python 2.7, TensorFlow 1.7.0, its model at true size
	@$(PY) -m demo demo-tutorial
