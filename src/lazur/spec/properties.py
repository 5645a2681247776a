"""Names among a job's `properties` that mean something to us. Most are Azure's."""

GIT = {
    "remote": "mlflow.source.git.repoURL",
    "branch": "mlflow.source.git.branch",
    "commit": "mlflow.source.git.commit",
    "dirty": "azureml.git.dirty",
    "build_id": "azureml.git.build_id",
    "build_uri": "azureml.git.build_uri",
}
"""Where the code came from."""

DIFF = "lazur.git.diff"
"""The tree with `uncommitted.diff`: what was not committed when the job was submitted."""

RETRIED = "lazur.retry_of"
"""The job that this one tries again."""
