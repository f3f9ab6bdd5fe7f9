"""`python -m tests.pulumi.provider <cloud>`: what the CLI passes besides is nothing to the stand-in."""

import os
import signal
import sys

from tests.pulumi.provider.cloud import cloud_named
from tests.pulumi.provider.server import serve

# The CLI is interrupted together with its plugins, and then still has to tell them what to do.
signal.signal(signal.SIGINT, lambda *_: os._exit(0))
serve(cloud_named(sys.argv[1]))
