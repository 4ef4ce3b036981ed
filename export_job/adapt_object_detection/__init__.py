"""Adapts the installed Object Detection API (tf-object-detection 0.0.3, written for TensorFlow 1.x) to TensorFlow 2.

Run once, when the export image or a development environment is made: `python -m adapt_object_detection`. What is
installed afterwards is ordinary Python: no import hook, cached bytecode, tracebacks that point at real lines.
"""
