"""The parts of batch scoring; `pipelines.score` puts them together."""
