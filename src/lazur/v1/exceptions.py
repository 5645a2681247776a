"""`azureml.exceptions`."""

from lazur.azureml.exceptions import *  # noqa: F403
