"""`azureml.core`."""

from lazur import __version__
from lazur.v1.core.compute_target import ComputeTarget as ComputeTarget
from lazur.v1.core.dataset import Dataset as Dataset
from lazur.v1.core.datastore import Datastore as Datastore
from lazur.v1.core.environment import Environment as Environment
from lazur.v1.core.experiment import Experiment as Experiment
from lazur.v1.core.model import Model as Model
from lazur.v1.core.run import Run as Run
from lazur.v1.core.run import ScriptRun as ScriptRun
from lazur.v1.core.run import get_run as get_run
from lazur.v1.core.runconfig import RunConfiguration as RunConfiguration
from lazur.v1.core.script_run_config import ScriptRunConfig as ScriptRunConfig
from lazur.v1.core.workspace import Workspace as Workspace
from lazur.v1.told import absent

VERSION = __version__

__getattr__ = absent("azureml.core")
