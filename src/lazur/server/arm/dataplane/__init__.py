"""What lies beside the resource manager: run history, resolved URIs, blobs."""
