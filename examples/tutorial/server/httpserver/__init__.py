"""Serves one model over HTTP like the images of UAI-Inference: `gunicorn -c gunicorn.conf.py httpserver.wsgi`."""
