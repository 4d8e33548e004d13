"""AWS Lambda functions and their triggers in tests: runs ``lambkin serve`` on free ports.

Contract: ``Lambkin(project)`` is a context manager. Inside of it, everything of the project listens; after it, no process
of it is left.

On failure: ``LambkinError`` with what Lambkin has logged.
"""

import json
import os
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

__all__ = ["FunctionError", "Lambkin", "LambkinError"]


class LambkinError(Exception):
    """Lambkin did not do what was asked."""


class FunctionError(LambkinError):
    """A function has failed. ``payload`` is its error, with ``errorType`` and ``errorMessage``."""

    def __init__(self, function, payload):
        super().__init__(f"{function} failed: {json.dumps(payload)}")
        self.payload = payload


class Lambkin:
    """A running project."""

    def __init__(self, project=".", arguments=(), program=None, timeout=60):
        """``project`` is a folder or a file. ``timeout``: seconds until it has to listen, and for each call."""
        self._program = program or os.environ.get("LAMBKIN", "lambkin")
        self._project = os.path.abspath(project)
        self._arguments = list(arguments)
        self._timeout = timeout
        self._log = []
        self._changed = threading.Condition()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        """Starts the project, and returns when it listens."""
        is_folder = os.path.isdir(self._project)
        folder = self._project if is_folder else os.path.dirname(self._project)
        command = [self._program, "serve", "--json", "--free-ports", *self._arguments]
        if not is_folder:
            command += ["--config", self._project]
        try:
            self._process = subprocess.Popen(
                command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        except FileNotFoundError:
            message = f"there is no program {self._program!r}: install lambkin, or set LAMBKIN to its path"
            raise LambkinError(message) from None
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()
        timer = threading.Timer(self._timeout, self._process.kill)
        timer.start()
        line = self._process.stdout.readline()
        timer.cancel()
        if not line:
            self._process.wait()
            self._reader.join()
            raise LambkinError(f"lambkin serve did not start:\n{self.log()}")
        self.ready = json.loads(line)

    def stop(self):
        """Ends everything, and waits for it."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(self._timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        self._process.stdout.close()

    def invoke(self, function, event=None):
        """Invokes a function by its name, logical id or ARN, and returns its result."""
        name = urllib.parse.quote(function, safe="")
        url = f"{self.ready['invoke']}/2015-03-31/functions/{name}/invocations"
        request = urllib.request.Request(url, json.dumps(event if event is not None else {}).encode(), method="POST")
        try:
            with urllib.request.urlopen(request, timeout=self._timeout) as response:
                payload = json.loads(response.read() or b"null")
                if response.headers.get("X-Amz-Function-Error"):
                    raise FunctionError(function, payload)
                return payload
        except urllib.error.HTTPError as error:
            raise LambkinError(f"{function} was not invoked: {error.code} {error.read().decode()}") from None

    def url(self, name):
        """The URL of a trigger or of a service, without a ``/`` at its end."""
        for kind in ("triggers", "services"):
            if name in self.ready[kind]:
                return self.ready[kind][name]
        known = ", ".join([*self.ready["triggers"], *self.ready["services"]])
        raise LambkinError(f"there is no trigger and no service {name!r} with a URL; there are: {known}")

    @property
    def outputs(self):
        """The outputs of the project's templates."""
        return self.ready.get("outputs", {})

    def log(self):
        """What functions and Lambkin have logged so far."""
        with self._changed:
            return "".join(self._log)

    def wait_for_log(self, text, timeout=None):
        """Waits until a text was logged, and returns the log."""
        end = time.monotonic() + (timeout or self._timeout)
        with self._changed:
            while text not in "".join(self._log):
                left = end - time.monotonic()
                if left <= 0 or self._process.poll() is not None:
                    raise LambkinError(f"{text!r} was not logged:\n{''.join(self._log)}")
                self._changed.wait(min(left, 1))
            return "".join(self._log)

    def _read_log(self):
        for line in self._process.stderr:
            with self._changed:
                self._log.append(line.decode(errors="replace"))
                self._changed.notify_all()
        self._process.stderr.close()
