"""The demonstration: a project's recording, lived through against a running server."""
