"""The errors a user may meet. Each is one plain sentence and knows the exit code of the command it ends."""


class CovidTuiError(Exception):
    """Something that the user can understand and mend; `str(error)` is the sentence to show."""

    exit_code = 1


class ConfigError(CovidTuiError):
    """The recipe or the command line asks for something that does not exist or does not fit together."""

    exit_code = 2


class DataError(CovidTuiError):
    """The folder, split or file that was given can't be used."""

    exit_code = 3


class RunError(CovidTuiError):
    """A run directory is missing, damaged, in use, or lacks what was asked of it."""


class NoModelError(RunError):
    """No run has a trained model yet."""


class LinkError(RunError):
    """A link, or another thing that is no file or folder of ours, stands where one should be written or removed."""


class CacheError(CovidTuiError):
    """The cache folder can't be written, or has no room for what must lie there."""


class WeightsError(CovidTuiError):
    """Pretrained weights are missing, damaged or do not fit the network."""


class Stopped(CovidTuiError):
    """The work was asked to stop and did so between two steps; nothing finished is lost."""
