"""`azureml.core.script_run_config`: for whoever submits."""

from .._lazur.absent import absent

__getattr__ = absent("azureml.core.script_run_config")
