"""`azureml.train.dnn`."""

from lazur.v1.core.runconfig import MpiConfiguration as Mpi
from lazur.v1.core.runconfig import TensorflowConfiguration as ParameterServer
from lazur.v1.train.estimator import Estimator

__all__ = ["Chainer", "Mpi", "ParameterServer", "PyTorch", "TensorFlow"]


class PyTorch(Estimator):
    packages = ("torch", "torchvision")
    old_python = (113, "3.8")


class TensorFlow(Estimator):
    packages = ("tensorflow",)
    old_python = (208, "3.8")


class Chainer(Estimator):
    packages = ("chainer",)
