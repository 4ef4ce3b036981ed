"""Serves one model over HTTP as the images of UAI-Inference do: `gunicorn -c gunicorn.conf.py httpserver.wsgi`."""
