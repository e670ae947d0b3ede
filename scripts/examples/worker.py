#!/usr/bin/env python3
"""A worker in Python: it joins the job of a dip-coord and restores tiles by non-local means.

    scripts/examples/worker.py tcp://HOST:PORT [--keys FOLDER] [--reconnect-timeout SECONDS]

It needs pyzmq and NumPy, and shows what a worker in any language does (docs/PROTOCOL.md); put your
restoration in the place of denoiser.py. It sends no states of tiles, which is optional; jobs that
upscale refuse it. Exit codes: 0 over, or asked to end; 64 usage; 69 no coordinator; 77 refused.
"""
import argparse
import collections
import json
import os
import random
import signal
import socket
import sys
import time

import numpy as np
import zmq

import keys
import payload
from denoiser import NonLocalMeans

PROTOCOL, CAN = 2, ["guide"]  # which it leaves out of its result, and makes no use of


class Worker:
    def __init__(self, options):
        self.options, self.context = options, zmq.Context()
        self.name = f"{socket.gethostname()[:90]}-{os.getpid()}-{random.randrange(1 << 32):08x}"
        self.incarnation, self.pause, self.welcomed_at = 0, 1, time.monotonic()
        self.job = self.exit_code = self.end_at = self.work = self.fit = self.result = None
        self.connect()

    def leave(self, code, reason):
        self.exit_code = code
        self.send("goodbye", reason=reason)
        print(f"worker.py: {reason}", file=sys.stderr)

    def connect(self):
        self.context.destroy(linger=0)  # with the connection, if there was one
        self.short, self.pieces = collections.deque(), collections.deque()
        self.assembler, self.context = payload.Assembler(), zmq.Context()
        self.socket = self.context.socket(zmq.DEALER)
        # Nothing waits for a coordinator that is not there, and little inside of the library.
        for option, value in ((zmq.IMMEDIATE, 1), (zmq.SNDHWM, 2), (zmq.LINGER, 2000),
                              (zmq.IPV6, "[" in self.options.endpoint)):
            self.socket.setsockopt(option, value)
        keys.encrypt(self.socket, self.options.keys)
        self.socket.connect(self.options.endpoint)
        self.greet()

    def greet(self):
        self.incarnation, self.link, self.hello_count = self.incarnation + 1, "greeting", 0
        self.hello()

    def hello(self):
        self.hello_count, self.due = self.hello_count + 1, time.monotonic() + 0.5
        if self.hello_count == 10:  # the last one before the connection is made anew
            self.due += self.pause * random.uniform(0.5, 1)
            self.pause = min(2 * self.pause, 30)
        self.send("hello", worker=self.name, incarnation=self.incarnation, processID=os.getpid(),
                  host=socket.gethostname()[:90] or "unknown", threadCount=1, version="example",
                  processor=f"NumPy {np.__version__}", capabilities=CAN, work=self.report())

    def report(self):
        return self.work and {**self.work, "iteration": self.fit.done,
                              "phase": "fitting" if self.result is None else "delivering"}

    def send(self, kind, **fields):
        self.short.append([json.dumps({"protocol": PROTOCOL, "type": kind, **fields}).encode()])

    def deliver(self, pause=30):
        self.resend_at = time.monotonic() + pause
        header = {"protocol": PROTOCOL, "type": "restored", "iterations": self.fit.done}
        self.pieces = collections.deque(payload.messages({**header, **self.work}, self.result))

    def flush(self):
        while queue := self.short or self.pieces:  # no transfer holds up a heartbeat
            try:
                self.socket.send_multipart(queue[0], zmq.NOBLOCK)
            except zmq.Again:
                return
            queue.popleft()

    def beat(self):
        self.due = time.monotonic() + self.welcome["heartbeatSeconds"]
        self.send("heartbeat", work=self.report())
        if self.work and self.result is None:
            self.send("progress", **self.work, iteration=self.fit.done,
                      iterations=self.fit.step_count)

    def drop(self):
        self.work = self.fit = self.result = None
        self.pieces.clear()

    def take(self, header, *content):
        kind, code = header["type"], header.get("code")
        is_ours = self.work and all(self.work[key] == header.get(key) for key in self.work)
        if header["protocol"] != PROTOCOL:
            self.leave(77, f"this worker speaks protocol version {PROTOCOL}, the coordinator "
                       f"{header['protocol']}")
        elif kind == "goodbye" or kind == "refused" and code not in ("helloWanted", "unreadable"):
            self.leave(0 if kind == "goodbye" else 77, header["reason"])
        elif self.link == "greeting" and header.get("incarnation") == self.incarnation:
            self.begin(header)
        elif self.link == "welcomed":
            self.welcomed_at = time.monotonic()
            if code == "helloWanted":
                self.greet()
            elif kind == "assign" and header["job"] == self.job and not self.work:
                self.collect(header, content[0])
            elif is_ours and kind in ("cancel", "stored"):
                self.drop()
                self.beat()

    def begin(self, welcome):
        self.welcome, self.link, self.pause, self.due = welcome, "welcomed", 1, 0
        self.welcomed_at = time.monotonic()
        if lacking := set(welcome.get("requires") or ()).difference(CAN):
            self.leave(77, f"the job needs {', '.join(sorted(lacking))}: not done here")
        if welcome["job"] != self.job:
            self.drop()
        self.job = welcome["job"]
        if self.result is not None:
            self.deliver()

    def collect(self, header, content):
        pixels = self.assembler.add(header, content, self.welcome["payloadByteCountMaximum"])
        if pixels is not None:
            bands = pixels.shape[2] - (header.get("guideBands") or 0)
            self.work = {key: header[key] for key in ("job", "tile", "attempt")}
            self.fit = NonLocalMeans(pixels[:, :, :bands].astype(float))
            self.beat()

    def restore(self):
        try:
            self.result = self.fit.step()
            if self.result is not None:
                self.deliver()
        except (ArithmeticError, ValueError, MemoryError) as error:
            self.send("failed", **self.work, reason=f"{type(error).__name__}: {error}"[:1000])
            self.drop()
            self.beat()

    def keep_time(self):
        now = time.monotonic()
        if self.exit_code is not None:
            return
        if self.end_at and (self.result is None or now > self.end_at):
            self.leave(0, "the worker was asked to end")
        elif self.link == "welcomed":
            if now > self.welcomed_at + self.welcome["silenceSeconds"]:
                self.connect()
            elif self.result is not None and now > self.resend_at:
                self.deliver(60)
            elif now > self.due:
                self.beat()
        elif now - self.welcomed_at > self.options.reconnect_timeout:
            self.leave(69, f"no coordinator answered at {self.options.endpoint}")
        elif now > self.due:
            self.hello() if self.hello_count < 10 else self.connect()

    def run(self):
        while self.exit_code is None:
            # A tile is restored step by step, and what arrives is looked at between two steps.
            if self.socket.poll(0 if self.work and self.result is None else 50):
                header, *content = self.socket.recv_multipart()
                try:
                    self.take(json.loads(header), *content)
                except (ValueError, LookupError, TypeError) as error:
                    print(f"worker.py: cannot follow a message: {error!r}", file=sys.stderr)
            elif self.work and self.result is None:
                self.restore()
            self.keep_time()
            self.flush()
        self.context.destroy(linger=2000)
        return self.exit_code


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("endpoint", help="tcp://HOST:PORT")
    parser.add_argument("--keys", metavar="FOLDER", help="as dip-coord keygen makes it")
    parser.add_argument("--reconnect-timeout", type=float, default=300, metavar="SECONDS")
    parser.error = lambda reason: (print(f"worker.py: {reason}", file=sys.stderr), sys.exit(64))
    try:
        worker = Worker(parser.parse_args())
    except (zmq.ZMQError, OSError, ValueError) as error:
        parser.error(f"the endpoint or the keys are of no use: {error}")
    for number in (signal.SIGTERM, signal.SIGINT):  # a result waits so long for its receipt
        signal.signal(number, lambda *_: setattr(worker, "end_at", time.monotonic() + 25))
    sys.exit(worker.run())


main()
