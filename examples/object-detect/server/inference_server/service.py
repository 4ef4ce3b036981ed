"""The served model: loads in the background, then runs in batches, behind admission control."""

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
    """Loads a model in a separate thread; afterwards requests reach it through one queue."""

    def __init__(
        self,
        create: Callable[[], Model],
        failed: Callable[[BaseException], None],
        batching: Batching = Batching(),  # noqa: B008 - frozen
    ) -> None:
        """`create` makes the model. `failed` is called in the loading thread when that or the loading fails."""
        self._create = create
        self._failed = failed
        self._batching = batching
        self._batcher: Batcher | None = None
        self._admission = Admission(batching.queue)
        self.metrics = Metrics(lambda: self._batcher.length if self._batcher else 0)
        self._thread = threading.Thread(target=self._load, name="load-model", daemon=True)

    def start(self) -> None:
        """Starts loading; returns at once."""
        self._thread.start()

    @property
    def initialized(self) -> bool:
        """Whether the model is loaded."""
        return self._batcher is not None

    @property
    def ready(self) -> bool:
        """Whether the service accepts requests: the model is loaded, and the server is not stopping."""
        return self.initialized and not self._admission.closed

    def place(self, size: int) -> AbstractContextManager[None]:
        """Holds a slot for a request with a body of up to `size` bytes.

        Raises:
            Refused: on entry, when no slot is free.
        """
        return self._admission.place(size)

    def answer(self, body: bytes) -> object:
        """The model's result for one request body: a JSON value, or a `BadInput`.

        Raises:
            NotInitialized: the model is not loaded yet.
            RuntimeError: the model violated its contract. Exceptions of the model itself propagate.
        """
        if self._batcher is None:
            raise NotInitialized
        return self._batcher.ask(body)

    def drain(self, seconds: float) -> bool:
        """Rejects new requests; returns whether all admitted ones were answered within so many seconds."""
        self._admission.close()
        return self._admission.wait_until_empty(seconds)

    def _load(self) -> None:
        try:
            model = self._create()
            model.load_model()
        except BaseException as error:  # noqa: BLE001 - a thread that ends unnoticed would leave a server that never becomes ready
            self._failed(error)
        else:
            self._batcher = Batcher(model, self._batching, self.metrics.executed)
