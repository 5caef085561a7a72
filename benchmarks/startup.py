"""What starting costs: `kartoteka --help`, web and worker until they are ready, beside bare Python.

    python benchmarks/startup.py [--rounds 5]

CPU and memory of the started process alone; "ready" is a 200 from /readyz, for a worker its lease.
"""

import argparse
import os
import statistics
import subprocess
import sys
from collections import Counter

from benchmarks.rig import Rig, installation

LATE = ("splink", "duckdb", "typst", "lxml")


def cpu_of(*words: str) -> float:
    """Seconds of CPU of a command until it ends."""
    with subprocess.Popen([sys.executable, *words], stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{words} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def web(rig: Rig) -> tuple[float, float]:
    """CPU seconds and megabytes of the web part when it is ready."""
    part, _ = rig.web()
    found = part.cpu(), part.memory()
    part.stop()
    return found


def worker(rig: Rig) -> tuple[float, float]:
    """CPU seconds and megabytes of a worker when it holds its lease."""
    part = rig.worker()
    found = part.cpu(), part.memory()
    part.stop()
    return found


def imports(module: str) -> tuple[list[tuple[str, float]], list[str]]:
    """Milliseconds by package that importing a module takes, and what of `LATE` it loaded."""
    code = f"import {module}, sys; print(*[name for name in {LATE} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", code], capture_output=True, text=True, check=True
    )
    spent: Counter[str] = Counter()
    for line in done.stderr.splitlines():
        own, _, name = (part.strip() for part in line.removeprefix("import time:").split("|"))
        if own.isdigit():
            spent[name.split(".")[0]] += int(own)
    return [(name, own / 1000) for name, own in spent.most_common(8)], done.stdout.split()


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    rounds = range(parser.parse_args().rounds)
    bare, helped, webs, workers = [], [], [], []
    with installation() as rig:
        for _ in rounds:
            bare.append(cpu_of("-c", "pass"))
            helped.append(cpu_of("-m", "kartoteka", "--help"))
            webs.append(web(rig))
            workers.append(worker(rig))
    base = statistics.median(bare)
    shown = [("kartoteka --help", helped, 0.25), ("web ready", [cpu for cpu, _ in webs], 1.5),
             ("worker ready", [cpu for cpu, _ in workers], None)]  # fmt: skip
    for name, found, bar in shown:
        cpu = statistics.median(found)
        said = f" (bar {bar} s)" if bar else ""
        print(f"{name}: {cpu:.2f} s CPU{said}, {cpu / base:.0f} times bare Python's {base * 1000:.0f} ms")
    for name, found_too, limit in (("web", webs, " (bar 110 MB)"), ("worker", workers, "")):
        print(f"{name}: {statistics.median(size for _, size in found_too):.0f} MB RSS when ready{limit}")
    for module in ("kartoteka.app", "kartoteka.worker, customers.jobs, sync.jobs"):
        biggest, late = imports(module)
        words = ", ".join(f"{name} {spent:.0f} ms" for name, spent in biggest)
        print(f"imports of {module}: {words}; of {', '.join(LATE)} loaded: {', '.join(late) or 'none'}")


if __name__ == "__main__":
    main()
