"""Which worker of how many this process is: told by TF_CONFIG or by Slurm, and known without TensorFlow."""

import json
import os
import shutil
from dataclasses import dataclass

from engine.base.errors import ConfigError
from engine.base.language import tr
from engine.base.runtime import imported_tensorflow

WORKERS = "workers"
"""The value of --devices that asks for several processes, on one host or more."""


@dataclass(frozen=True)
class Seat:
    """The place of this process among those that train together. The first is the chief: it alone has the run."""

    worker: int = 0
    workers: int = 1

    @property
    def chief(self) -> bool:
        """Does this process hold the run directory, decide, and tell the user?"""
        return self.worker == 0

    def __str__(self) -> str:
        if self.chief:
            return tr("worker {number} of {workers}, chief", number=self.worker, workers=self.workers)
        return tr("worker {number} of {workers}", number=self.worker, workers=self.workers)


def seat(asked: str) -> Seat:
    """The seat of this process under --devices `asked`. Raises ConfigError where nothing tells it."""
    if asked != WORKERS:
        return Seat()
    if "TF_CONFIG" in os.environ:
        addresses, worker = _told_by_tf_config(os.environ["TF_CONFIG"])
        return Seat(worker, len(addresses))
    try:
        return Seat(int(os.environ["SLURM_PROCID"]), int(os.environ["SLURM_STEP_NUM_TASKS"]))
    except (KeyError, ValueError):
        raise ConfigError(
            tr(
                "--devices workers needs to know the workers: set TF_CONFIG in each process, or start them "
                "with srun (--devices auto trains on this host alone)."
            )
        ) from None


def one_process(asked: str, what: str) -> str:
    """--devices `asked`, where `what` is done in one process. Raises ConfigError for several."""
    if asked == WORKERS:
        raise ConfigError(tr("{what} is the work of one process: leave --devices workers out.", what=what))
    return asked


def addresses() -> tuple[str, ...]:
    """host:port of each worker, the chief first. Raises ConfigError as `seat` does."""
    if "TF_CONFIG" in os.environ:
        return _told_by_tf_config(os.environ["TF_CONFIG"])[0]
    tf = imported_tensorflow()
    slurm = tf.distribute.cluster_resolver.SlurmClusterResolver
    try:
        if shutil.which("nvidia-smi"):
            found = slurm().cluster_spec()  # shows each process of a host its own share of the GPUs
        else:  # it divides GPUs in any case: tell it of as many as there are processes, and to set nothing
            count = int(os.environ["SLURM_STEP_NUM_TASKS"])
            found = slurm(gpus_per_node=count, gpus_per_task=1, auto_set_gpu=False).cluster_spec()
    except (RuntimeError, ValueError, KeyError, OSError) as error:
        raise ConfigError(
            tr("Slurm's variables do not name the workers ({error}): set TF_CONFIG instead.", error=error)
        ) from error
    return tuple(found.as_dict()["worker"])


def _told_by_tf_config(text: str) -> tuple[tuple[str, ...], int]:
    """The addresses of all workers, the chief first, and the place of this one among them."""
    try:
        values = json.loads(text)
        cluster, task = values["cluster"], values["task"]
        if set(cluster) - {"chief", "worker"}:
            raise ValueError
        chiefs, workers = list(cluster.get("chief", [])), list(cluster.get("worker", []))
        index, own = int(task["index"]), {"chief": chiefs, "worker": workers}[task["type"]]
        every = tuple(map(str, [*chiefs, *workers]))
        if len(chiefs) > 1 or not 0 <= index < len(own):
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ConfigError(
            tr(
                'TF_CONFIG must be like {"cluster": {"worker": ["host1:5000", "host2:5000"]}, "task": '
                '{"type": "worker", "index": 0}}, with an index of its own in each process.'
            )
        ) from None
    return every, index + (len(chiefs) if task["type"] == "worker" else 0)
