"""The class that a TensorFlow model inherits from."""


class TFAiUcloudModel(object):
    """Keeps the configuration, and loads the model when it is made (UAI-Inference: guide/tensorflow/coding.md)."""

    def __init__(self, conf=None, model_type="tensorflow"):
        """`conf` is the whole configuration; `model_dir` of its part for TensorFlow becomes `self.model_dir`."""
        self.conf = conf
        self.model_type = model_type
        self.output = {}
        self.model_dir = conf["http_server"][model_type]["model_dir"]
        self.model = self.load_model()

    def load_model(self):
        """Loads the model; what it returns becomes `self.model`."""

    def execute(self, data, batch_size):
        """A list with one answer for each of the `batch_size` file-like objects of `data`."""
        raise NotImplementedError
