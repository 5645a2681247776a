"""`azureml.train.sklearn`."""

from lazur.v1.train.estimator import Estimator


class SKLearn(Estimator):
    packages = ("scikit-learn", "pandas", "joblib")
    old_python = (100, "3.8")
