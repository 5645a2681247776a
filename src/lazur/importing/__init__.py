"""What a job runs to import data: `python -m importing <folder>`.

It travels with the job as its code, so it imports nothing of Lazur's. What to import comes in
`LAZUR_IMPORT`, as JSON; where from and with which credentials in variables that only this job's
process has: `LAZUR_IMPORT_TARGET`, and `LAZUR_IMPORT_` with the name of each credential.
"""
