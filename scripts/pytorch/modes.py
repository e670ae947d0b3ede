"""What is timed: our engine and PyTorch, each measurement in a fresh process."""
import json
import os
import subprocess
import sys
from functools import cache
from importlib.metadata import version
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent.parent
BENCH = SCRIPTS.parent / ".build/release/dip-bench"
BANDS = 3


def _ours_command(network, tile, threads, precision, iterations):
    return [
        BENCH, "step", "--preset", network, "--tile", str(tile), "--threads", str(threads),
        "--precision", precision, "--iterations", str(iterations), "--json"]


def is_offered(threads, precision):
    """Whether our engine runs so on this machine; a small iteration tells."""
    trial = _ours_command("thin", 64, threads, precision, 1)
    return subprocess.run(trial, check=False, capture_output=True).returncode == 0


@cache
def _trial(network):
    output = subprocess.run(
        _ours_command(network, 64, 1, "float32", 1), check=True, capture_output=True, text=True)
    return json.loads(output.stdout)


def configuration(network):
    """Our fit's, as dip-bench prints it: PyTorch runs the very same network."""
    return _trial(network)["configuration"]


def versions():
    """Our kernels and PyTorch's version, in words."""
    return f"kernels {_trial('thin')['kernels']}, PyTorch {version('torch')}"


class Ours:
    """Our engine in one precision."""

    is_ours = True

    def __init__(self, precision):
        self.precision = precision
        self.name = f"ours, {precision}"

    def measure(self, network, tile, threads, iterations, count=1):
        """Milliseconds of the iterations and peak memory of each of `count` processes that run at
        the same time."""
        command = _ours_command(network, tile, threads, self.precision, iterations)
        processes = [
            subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(count)]
        outputs = [process.communicate()[0] for process in processes]
        for process in processes:
            if process.returncode != 0:
                sys.exit(f"{' '.join(map(str, command))} ended with {process.returncode}.")
        return [json.loads(output) for output in outputs]


class PyTorch:
    """PyTorch in one of its modes."""

    is_ours = False

    def __init__(self, bfloat16, channels_last, fused):
        self.bfloat16, self.channels_last, self.fused = bfloat16, channels_last, fused
        self.precision = "bfloat16" if bfloat16 else "float32"
        self.name = (
            f"PyTorch {self.precision}{', channels-last' if channels_last else ''}"
            f"{', fused Adam' if fused else ''}")

    def measure(self, network, tile, threads, iterations):
        wanted = {
            "configuration": configuration(network), "tile": tile, "bands": BANDS,
            "threads": threads, "iterations": iterations, "bfloat16": self.bfloat16,
            "channels_last": self.channels_last, "fused": self.fused}
        output = subprocess.run(
            [sys.executable, "-m", "pytorch.step", json.dumps(wanted)], cwd=SCRIPTS, check=True,
            stdout=subprocess.PIPE, text=True,
            env=os.environ | {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)})
        return [json.loads(output.stdout)]


def all_of_pytorch():
    return [
        PyTorch(bfloat16, channels_last, fused)
        for bfloat16 in (False, True) for channels_last in (False, True)
        for fused in (False, True)]
