"""The parts of an adoption, one module each; `pipelines.adopt` wires them."""
