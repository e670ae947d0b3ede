"""What the scripts share that try programs on hosts: processes, waiting, comparing, cleaning up.

A trial restores a part of docs/before-after.jpg. Everything it starts is ended by its process id,
everything it writes lies in one temporary folder, and every wait is bounded.
"""
import argparse
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
IMAGE = ROOT / "docs/before-after.jpg"
MIRROR = "http://deb.debian.org/debian"
# 20 tiles, of which each takes a second or two.
JOB = ["--region", "0,0,256,192", "--crop", "--preset", "thin", "--tile", "80", "--overlap", "16",
       "--iterations", "40", "--progress", "none"]


class Failure(Exception):
    """A trial went wrong: one sentence."""


class Skip(Exception):
    """A trial cannot be made here: one sentence."""


def parser(documentation):
    """A command line with --programs."""
    made = argparse.ArgumentParser(description=documentation.split("\n")[0])
    made.add_argument("--programs", type=Path, default=ROOT / ".build/release", metavar="DIR")

    def fail(sentence):
        print(f"{made.prog}: {sentence}", file=sys.stderr)
        sys.exit(64)

    made.error = fail
    return made


def free_ports(count):
    """Ports of 127.0.0.1 that nobody listens at."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def wait_for(condition, seconds, what):
    """What `condition` returns once that is true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.1)
    raise Failure(f"{what}: not within {seconds} s")


class Trial:
    """A temporary folder and the processes that belong to it."""

    def __init__(self, name, programs):
        self.folder = Path(tempfile.mkdtemp(prefix=f"dip-{name}-"))
        self.programs, self.processes = Path(programs).resolve(), []
        for program in ("dip-coord", "dip-worker"):
            if not (self.programs / program).is_file():
                raise Skip(f"there is no {self.programs / program}: swift build -c release")

    def start(self, name, *command, **more):
        """Starts a process of its own session, which writes to the file `name`.log."""
        log = open(self.folder / f"{name}.log", "ab")
        process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True, **more)
        log.close()
        process.name = name
        self.processes.append(process)
        return process

    def log(self, name):
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def coordinator(self, name, output, endpoint, *more):
        """A dip-coord without workers of its own."""
        return self.start(
            name, self.programs / "dip-coord", IMAGE, "-o", output, "--workers", "0", "--listen",
            endpoint, "--lease-silence", "4", *JOB, *more)

    def keys(self, *workers):
        """A coordinator's folder of keys, with one for each of these workers."""
        folder = self.folder / "keys"
        for worker in workers:
            run([self.programs / "dip-coord", "keygen", folder, "--worker", worker], 20)
        return folder

    def restored(self, output):
        """How many tiles of a job are on disk."""
        done = subprocess.run(
            [self.programs / "dip-coord", "status", f"{output}.dip", "--json"],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=20)
        # There may be no job yet.
        return json.loads(done.stdout)["restoredCount"] if done.returncode == 0 else 0

    def local_run(self, *more):
        """The output of this host's own workers, which every other run must equal."""
        output = self.folder / "local.png"
        run([self.programs / "dip-coord", IMAGE, "-o", output, "--quiet", *JOB, *more], 300)
        return output

    def end(self):
        """Ends what still runs."""
        for process in reversed(self.processes):
            if process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGTERM)
        for process in reversed(self.processes):
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def run(command, seconds, **more):
    """The output of a command that has to succeed."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=seconds, text=True, errors="replace", **more)
    except subprocess.TimeoutExpired:
        raise Failure(f"{' '.join(words)} took more than {seconds} s") from None
    if done.returncode != 0:
        raise Failure(f"{' '.join(words)} ended with {done.returncode}: {done.stdout.strip()}")
    return done.stdout


def debian(trial, mirror, packages=()):
    """The root of a minimal Debian 12 with these packages, in the trial's folder."""
    if os.geteuid() != 0 or not shutil.which("debootstrap") or not shutil.which("unshare"):
        raise Skip("root and debootstrap are needed")
    root = trial.folder / "root"
    included = [f"--include={','.join(packages)}"] if packages else []
    try:
        run(["debootstrap", "--variant=minbase", *included, "bookworm", root, mirror], 900)
    except Failure as reason:
        raise Skip(f"debootstrap made no Debian ({str(reason)[-300:]})") from None
    return root


def ended(process, code, seconds):
    """The process has ended with this exit code."""
    wait_for(lambda: process.poll() is not None, seconds, f"{process.name} ends")
    if process.returncode != code:
        raise Failure(f"{process.name} ended with {process.returncode}, wanted {code}")


def same_bytes(first, second):
    if Path(first).read_bytes() != Path(second).read_bytes():
        raise Failure(f"{first} and {second} differ")


def carry_out(name, options, body):
    """Makes a trial: exit code 0 when it went well or cannot be made here, 1 when it failed."""
    trial = None
    try:
        trial = Trial(name, options.programs)
        body(trial, options)
    except Skip as reason:
        print(f"{name}: skipped: {reason}")
    except Failure as reason:
        print(f"{name}: FAILED: {reason}; everything is kept in {trial.folder}", file=sys.stderr)
        sys.exit(1)
    else:
        print(f"{name}: passed")
        trial.end()
        shutil.rmtree(trial.folder)
        return
    finally:
        if trial:
            trial.end()
    if trial:
        shutil.rmtree(trial.folder)
