"""`azureml.train.hyperdrive`."""

from lazur.v1.train.hyperdrive.parameter_expressions import choice as choice
from lazur.v1.train.hyperdrive.parameter_expressions import lognormal as lognormal
from lazur.v1.train.hyperdrive.parameter_expressions import loguniform as loguniform
from lazur.v1.train.hyperdrive.parameter_expressions import normal as normal
from lazur.v1.train.hyperdrive.parameter_expressions import qlognormal as qlognormal
from lazur.v1.train.hyperdrive.parameter_expressions import qloguniform as qloguniform
from lazur.v1.train.hyperdrive.parameter_expressions import qnormal as qnormal
from lazur.v1.train.hyperdrive.parameter_expressions import quniform as quniform
from lazur.v1.train.hyperdrive.parameter_expressions import randint as randint
from lazur.v1.train.hyperdrive.parameter_expressions import uniform as uniform
from lazur.v1.train.hyperdrive.policy import BanditPolicy as BanditPolicy
from lazur.v1.train.hyperdrive.policy import MedianStoppingPolicy as MedianStoppingPolicy
from lazur.v1.train.hyperdrive.policy import NoTerminationPolicy as NoTerminationPolicy
from lazur.v1.train.hyperdrive.policy import TruncationSelectionPolicy as TruncationSelectionPolicy
from lazur.v1.train.hyperdrive.run import HyperDriveRun as HyperDriveRun
from lazur.v1.train.hyperdrive.run import PrimaryMetricGoal as PrimaryMetricGoal
from lazur.v1.train.hyperdrive.runconfig import HyperDriveConfig as HyperDriveConfig
from lazur.v1.train.hyperdrive.sampling import (
    BayesianParameterSampling as BayesianParameterSampling,
)
from lazur.v1.train.hyperdrive.sampling import GridParameterSampling as GridParameterSampling
from lazur.v1.train.hyperdrive.sampling import RandomParameterSampling as RandomParameterSampling
