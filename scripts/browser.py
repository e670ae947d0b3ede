"""A chromium without a window, driven over its DevTools protocol with nothing but Python."""
import base64
import contextlib
import itertools
import json
import os
import shutil
import socket
import struct
import urllib.request

from trials import Failure, Skip, free_ports, wait_for

NAMES = ("chromium", "chromium-browser", "google-chrome")
KEYS = {"Enter": 13, "Escape": 27, "Tab": 9, "ArrowRight": 39, "+": 187, "0": 48}


class WebSocket:
    """What RFC 6455 asks of a client that sends text and reads text."""

    def __init__(self, url, seconds=20):
        host, path = url.removeprefix("ws://").split("/", 1)
        name, port = host.split(":")
        self.socket = socket.create_connection((name, int(port)), seconds)
        self.socket.settimeout(seconds)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET /{path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        self.stream = self.socket.makefile("rb")
        if b" 101 " not in self.stream.readline():
            raise Failure("the browser refuses a connection to its DevTools")
        while self.stream.readline().strip():
            pass

    def send(self, text):
        data, mask = text.encode(), os.urandom(4)
        length = len(data)
        short = length if length < 126 else 126 if length < 1 << 16 else 127
        head = bytes([0x81, 0x80 | short])
        head += b"" if short < 126 else struct.pack(">H" if short == 126 else ">Q", length)
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))
        self.socket.sendall(head + mask + masked)

    def receive(self):
        text, is_last = b"", False
        while not is_last:
            first, second = self.stream.read(2)
            is_last, length = bool(first & 0x80), second & 0x7F
            if length > 125:
                size = 2 if length == 126 else 8
                length = int.from_bytes(self.stream.read(size), "big")
            text += self.stream.read(length)
        return text.decode()


class Browser:
    """One tab. What it asked for and complained about is in `requests` and `complaints`."""

    def __init__(self, trial):
        program = next((found for name in NAMES if (found := shutil.which(name))), None)
        if not program:
            raise Skip("there is no chromium (apt-get install chromium)")
        port, = free_ports(1)
        self.process = trial.start(
            "chromium", program, "--headless=new", "--no-sandbox", "--disable-gpu",
            "--no-first-run", f"--remote-debugging-port={port}", "--remote-allow-origins=*",
            f"--user-data-dir={trial.folder / 'chromium'}", "about:blank")

        def tab():
            with contextlib.suppress(OSError):
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/json", timeout=5) as answer:
                    tabs = [t for t in json.load(answer) if t["type"] == "page"]
                    return tabs and tabs[0]["webSocketDebuggerUrl"]

        self.socket = WebSocket(wait_for(tab, 40, "chromium answers"))
        self.numbers, self.requests, self.complaints = itertools.count(1), [], []
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method, **parameters):
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.receive())
            if message.get("id") == number:
                if "error" in message:
                    raise Failure(f"{method}: {message['error']}")
                return message["result"]
            self.note(message.get("method"), message.get("params", {}))

    def note(self, method, about):
        if method == "Network.requestWillBeSent":
            self.requests.append(about["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(about["exceptionDetails"]["text"])
        elif method == "Log.entryAdded" and about["entry"]["level"] == "error":
            self.complaints.append(about["entry"]["text"])

    def value(self, expression):
        result = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise Failure(f"{expression}: {result['exceptionDetails']['text']}")
        return result["result"].get("value")

    def size(self, width, height, is_dark=False):
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height,
            deviceScaleFactor=1, mobile=width < 500)
        scheme = "dark" if is_dark else "light"
        self.call(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-color-scheme", "value": scheme}])

    def press(self, key):
        about = {"key": key, "code": key, "windowsVirtualKeyCode": KEYS[key]}
        if key == "Enter":
            about["text"] = "\r"
        elif len(key) == 1:
            about["text"] = key
        self.call("Input.dispatchKeyEvent", type="keyDown", **about)
        about.pop("text", None)
        self.call("Input.dispatchKeyEvent", type="keyUp", **about)

    def picture(self, path):
        shot = self.call("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(shot["data"]))
