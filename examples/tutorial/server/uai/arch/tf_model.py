"""The base class of TensorFlow models."""


class TFAiUcloudModel(object):
    """Stores the configuration and loads the model in the constructor (UAI-Inference: guide/tensorflow/coding.md)."""

    def __init__(self, conf=None, model_type="tensorflow"):
        """`conf` is the whole configuration; `model_dir` of its `tensorflow` part becomes `self.model_dir`."""
        self.conf = conf
        self.model_type = model_type
        self.output = {}
        self.model_dir = conf["http_server"][model_type]["model_dir"]
        self.model = self.load_model()

    def load_model(self):
        """Loads the model; its return value becomes `self.model`."""

    def execute(self, data, batch_size):
        """Returns a list with one answer for each of the `batch_size` file-like objects in `data`."""
        raise NotImplementedError
