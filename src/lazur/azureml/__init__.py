"""`azureml` as scripts within jobs import it: copied into environments that have not Microsoft's.

This file stays behind: there `azureml` is a namespace, so that whatever part of Microsoft's is
installed is found first, and ours is the rest.
"""
