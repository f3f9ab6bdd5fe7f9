"""What every test stands on: Hypothesis does not time examples on shared machines, and is repeatable in CI."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile("here", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("here"), derandomize=True, database=None)
settings.load_profile("ci" if os.environ.get("CI") else "here")
