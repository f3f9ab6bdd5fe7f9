"""Calls a handler with one event: `calls.py MODULE EVENT first` once, `calls.py MODULE EVENT COUNT` many times.

Runs in either side's environment, so it imports nothing of ours.
"""

import importlib
import json
import statistics
import sys
import time
from pathlib import Path

WARM_UP = 300


def main(module: str, event_file: str, count: str) -> None:
    event = json.loads(Path(event_file).read_text())
    handler = importlib.import_module(module).handler
    answer = handler(event, None)
    if answer["statusCode"] != 200:
        raise RuntimeError(answer["body"])
    if count == "first":
        print(answer["body"], flush=True)
        return
    for _ in range(WARM_UP):
        handler(event, None)
    times = []
    for _ in range(int(count)):
        started = time.perf_counter()
        handler(event, None)
        times.append(time.perf_counter() - started)
    print(statistics.median(times) * 1e6)


if __name__ == "__main__":
    main(*sys.argv[1:])
