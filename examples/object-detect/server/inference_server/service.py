"""One model behind the server: loaded in the background, then asked in batches, with a door in front."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

from inference_server.admission import Admission
from inference_server.batching import Batcher
from inference_server.config import Batching
from inference_server.metrics import Metrics
from inference_server.model import Model


class NotInitialized(Exception):  # noqa: N818 - a state, not a defect
    """The model is not loaded yet."""


class Service:
    """Loads a model in a thread of its own; from then on requests reach it through one queue."""

    def __init__(
        self,
        create: Callable[[], Model],
        failed: Callable[[BaseException], None],
        batching: Batching = Batching(),  # noqa: B008 - frozen
    ) -> None:
        """`create` makes the model; `failed` is told when it cannot be made or loaded, in the loading thread."""
        self._create = create
        self._failed = failed
        self._batching = batching
        self._batcher: Batcher | None = None
        self._admission = Admission(batching.queue)
        self.metrics = Metrics(lambda: self._batcher.length if self._batcher else 0)
        self._thread = threading.Thread(target=self._load, name="load-model", daemon=True)

    def start(self) -> None:
        """Begins to load; returns at once."""
        self._thread.start()

    @property
    def initialized(self) -> bool:
        """Whether the model is loaded."""
        return self._batcher is not None

    @property
    def ready(self) -> bool:
        """Whether a request would be taken: the model is loaded, and the server is not stopping."""
        return self.initialized and not self._admission.closed

    def place(self, size: int) -> AbstractContextManager[None]:
        """Holds a place for a request whose body may have `size` bytes.

        Raises:
            Refused: there is none; when it is entered.
        """
        return self._admission.place(size)

    def answer(self, body: bytes) -> object:
        """The model's result for one request body: a JSON value, or a `BadInput`.

        Raises:
            NotInitialized: the model is not loaded yet.
            RuntimeError: the model broke its contract. What the model itself raises passes through.
        """
        if self._batcher is None:
            raise NotInitialized
        return self._batcher.ask(body)

    def drain(self, seconds: float) -> bool:
        """Takes no request from now on; whether those inside were answered within so many seconds."""
        self._admission.close()
        return self._admission.wait_until_empty(seconds)

    def _load(self) -> None:
        try:
            model = self._create()
            model.load_model()
        except BaseException as error:  # noqa: BLE001 - a thread that ends unseen would leave a server that never gets ready
            self._failed(error)
        else:
            self._batcher = Batcher(model, self._batching, self.metrics.executed)
