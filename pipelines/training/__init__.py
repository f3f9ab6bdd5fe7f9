"""The steps of training, one module each; `pipelines.train` wires them."""
