"""A run that another thread trains, slowly, through the run directory alone."""

import threading

from engine.base.cancel import Stop
from engine.base.context import Context
from engine.recipe.config import TrainConfig
from tests.makers import fake
from tests.makers.drive import DATA


class Live:
    """A context manager: the run is live within the block, and stopped with a test at its end."""

    def __init__(self, config: TrainConfig) -> None:
        self.stop = Stop()
        args = (DATA, config, Context(stop=self.stop), 0.02)
        self.thread = threading.Thread(target=fake.train, args=args)

    def __enter__(self) -> None:
        self.thread.start()

    def __exit__(self, *_: object) -> None:
        self.stop.request("keep")
        self.thread.join()
