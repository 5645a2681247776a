"""What lies on shelves of workspaces and registries, and the computes of the server."""
