"""A project from a file: look at the file, decide what its columns are, write a folder that trains and serves."""

from pipelines.starting.start import Started, Wish, start

__all__ = ["Started", "Wish", "start"]
