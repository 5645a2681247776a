"""`azureml.telemetry`: there is none."""


def set_diagnostics_collection(send_diagnostics: bool = False, verbose: bool = True) -> None:
    """Nothing is ever sent."""
