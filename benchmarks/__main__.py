"""Run every benchmark, each in a process of its own: `python -m benchmarks [NAME …]`."""

import subprocess
import sys
from pathlib import Path

SHARED = {"__main__", "report"}


def names() -> list[str]:
    """Return the benchmarks that there are, by the names of their files."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in SHARED)


def main(chosen: list[str]) -> int:
    """Run the chosen benchmarks (none: all) and return how many failed to run."""
    if unknown := set(chosen) - set(names()):
        print(f"no benchmark {', '.join(sorted(unknown))}: there are {', '.join(names())}", file=sys.stderr)
        return 2
    failures = 0
    for name in chosen or names():
        print(f"\n== {name}", flush=True)
        failures += subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode != 0
    return failures


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
