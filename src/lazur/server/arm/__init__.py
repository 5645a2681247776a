"""Azure's wire: what Azure's own clients ask, answered over the same services as our own API.

    address     which paths are Azure's, and what they are about
    routes      the table of operations: method, path, right, handler
    entry       one request: audience, operation, body, answer
    unserved    what is asked for and not served: its name, and what to do instead
    replies     answers and errors in Azure's words
    ids         Azure's names of things, and ours
    translate/  one noun each, pure: Azure's bodies to what is written in YAML, and back
    one file for each noun: its operations
    dataplane/  what lies beside the resource manager: history, resolved URIs, blobs

`api-version` is not looked at: of each resource there is one shape, the newest.
"""
