"""Parallel jobs: data cut into mini-batches, each given to the user's `run` in one of several
worker processes. See contributing/parallel.md.

It travels with the job, as all of the runtime does: the standard library of Python 3.7, and from
the job's own environment what tables need. The process of rank 0 is the coordinator; that of each
other rank looks after the workers of its node.
"""
