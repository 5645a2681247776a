"""`azureml.core` within a job."""

from .._lazur.absent import absent
from .dataset import Dataset as Dataset
from .datastore import Datastore as Datastore
from .experiment import Experiment as Experiment
from .keyvault import Keyvault as Keyvault
from .model import Model as Model
from .run import Run as Run
from .run import get_run as get_run
from .workspace import Workspace as Workspace

VERSION = "1.0"
ScriptRun = Run

__getattr__ = absent("azureml.core")
