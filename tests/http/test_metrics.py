"""Figures of several workers are one sum, whichever of them is asked."""

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import multiprocessing, os, signal, sys
from adapters.http.metrics import FOLDER, Metrics

os.environ[FOLDER] = sys.argv[1]

def work():
    metrics = Metrics()
    metrics.under_way.inc()
    metrics.measure({"method": "GET", "path_template": "/v1/stores/{store}"}, 200, 0.01)
    metrics.measure({"method": "BREW", "path_template": None}, 405, 0.01)
    os.kill(os.getpid(), signal.SIGKILL)

workers = [multiprocessing.get_context("fork").Process(target=work) for _ in range(3)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
print(Metrics().text().decode())
"""


def test_three_workers_are_added_up_and_the_killed_are_not_under_way(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": "."},
    )
    lines = done.stdout.splitlines()

    assert (
        'hylla_http_requests_total{method="GET",route="/v1/stores/{store}",status="200"} 3.0'
        in lines
    )
    assert 'hylla_http_requests_total{method="other",route="unknown",status="405"} 3.0' in lines
    assert [line for line in lines if line.startswith("hylla_http_requests_under_way ")] in (
        [],
        ["hylla_http_requests_under_way 0.0"],
    )
