import os
import signal

from tests.pulumi.provider.server import serve

# The CLI is interrupted together with its plugins, and then still has to tell them what to do.
signal.signal(signal.SIGINT, lambda *_: os._exit(0))
serve()
