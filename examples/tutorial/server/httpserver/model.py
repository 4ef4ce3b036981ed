"""Finds the configured model class and creates the model."""

import importlib
import json
import os
import sys

CONF_ENV = "UAI_SERVICE_CONFIG"


class ConfError(Exception):
    """The configuration is invalid; the message says why."""


def read_conf():
    """Reads the configuration that UAI_SERVICE_CONFIG names; returns it and its folder.

    It is `{"http_server": {"exec": {"main_class", "main_file"}, "tensorflow": {"model_dir"}}}`. Its paths are relative
    to the working directory.
    """
    path = os.environ.get(CONF_ENV, "")
    if not path:
        raise ConfError("%s is not set: set it to the path of the service's conf.json" % CONF_ENV)
    try:
        with open(path) as conf:
            return json.load(conf), os.path.dirname(os.path.abspath(path))
    except (IOError, ValueError) as error:
        raise ConfError("%s=%s cannot be read: %s" % (CONF_ENV, path, error))


def create_model(conf, folder):
    """Creates the model, `main_class` of the module `main_file`, with the configuration; its constructor loads it."""
    try:
        names = conf["http_server"]["exec"]
        main_file, main_class = str(names["main_file"]), str(names["main_class"])
    except (KeyError, TypeError) as error:
        raise ConfError("the configuration lacks http_server.exec.main_file or main_class: %r" % error)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    return getattr(importlib.import_module(main_file), main_class)(conf)
