"""One case of a table: writes its function, runs a client on it and compares what can be observed.

A difference becomes a line of `problems`; so does whatever prevents the case from being run.
"""

import base64
import json
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import tempfile
import time

from runtime_api import RuntimeApi

PATIENCE = 30  # seconds until a case that makes no progress has failed
QUIET = 0.4  # seconds without output that show that something waits
REST = "…"  # as the last element of an expected list: anything may follow


class Case:
    def __init__(self, table, case, language, options, semantics):
        """`options`: `client`, `interpreter`, `version` and `aws_folder` of the run."""
        self.table, self.case, self.language, self.semantics = table, case, language, semantics
        self.client, self.interpreter, self.version = options.client, options.interpreter, options.version
        self.aws_folder = options.aws_folder
        self.runtime = case.get("runtime") or language.runtime(self.version, semantics)
        self.expect = case.get(semantics, case.get("expect"))
        self.problems = []

    def title(self):
        return "%s %s%s" % (self.case["row"], self.case["about"], " (%s)" % self.semantics if self.semantics else "")

    def applies(self):
        if self.expect is None or self.client not in self.case.get("clients", [self.client]):
            return False
        for condition in self.case.get("versions", "").split():
            operator, wanted = re.match(r"([<>]=?)([\d.]+)", condition).groups()
            wanted = tuple(map(int, wanted.split(".")))
            if not {"<": self.version < wanted, ">=": self.version >= wanted}[operator]:
                return False
        return True

    def run(self):
        top = pathlib.Path(os.path.realpath(tempfile.mkdtemp(prefix="runtimes-")))
        self.api = RuntimeApi(self.case.get("pollers", 0))
        try:
            self.write_files(top)
            self.start(top)
            self.check()
        except Exception as error:
            self.problems.append("%s: %s" % (type(error).__name__, error))
        finally:
            if getattr(self, "process", None):
                try:
                    os.killpg(self.process.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
                self.process.wait()
            self.api.close()
            shutil.rmtree(top, ignore_errors=True)
        return self.problems

    def write_files(self, top):
        files = {**self.table.get("files", {}), **self.case.get("files", {})}
        for name, source in files.items():
            path = top / name if name.startswith("layer") else top / "task" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            source = "\n".join(source) + "\n" if isinstance(source, list) else source
            path.write_bytes(source.encode("utf-8"))
        (top / "task").mkdir(exist_ok=True)

    def start(self, top):
        self.handler = self.case.get("handler", self.table.get("handler", "")).replace("TOP", str(top))
        command = self.language.command(self)
        client = next((part for part in command if part.endswith((".py", ".rb", ".mjs", ".cjs"))), "")
        self.places = {str(top / "task"): "TASK", str(top): "TOP"}
        if client:
            self.places[client] = "CLIENT"
        variables = {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "TZ": ":UTC",
            "HOME": str(top),
            "AWS_EXECUTION_ENV": "AWS_Lambda_%s" % self.runtime,
            "AWS_LAMBDA_RUNTIME_API": self.api.address,
            "AWS_LAMBDA_FUNCTION_NAME": "fn",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
            "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/fn",
            "AWS_LAMBDA_LOG_STREAM_NAME": "stream",
            "LAMBDA_TASK_ROOT": str(top / "task"),
            "_HANDLER": self.handler,
            **self.language.variables(self),
        }
        for name, value in self.case.get("env", {}).items():
            variables[name] = value.replace("TOP", str(top))
        inherited, frames_out = (), None
        if self.case.get("framed"):
            self.frames_in, frames_out = os.pipe()
            variables["_LAMBDA_TELEMETRY_LOG_FD"] = str(frames_out)
            inherited = (frames_out,)
        for event in self.case.get("events", [{}]):
            self.add_event(event)
        self.out, self.err = tempfile.TemporaryFile(), tempfile.TemporaryFile()
        self.process = subprocess.Popen(command, cwd=top / "task", env=variables, pass_fds=inherited,
                                        stdin=subprocess.DEVNULL, stdout=self.out, stderr=self.err,
                                        start_new_session=True)
        if frames_out is not None:
            os.close(frames_out)

    def add_event(self, event):
        number = getattr(self, "added", 0) + 1
        self.added = number
        headers = {
            "Content-Type": event.get("content-type", "application/json"),
            "Lambda-Runtime-Aws-Request-Id": "id-%d" % number,
            "Lambda-Runtime-Invocation-Id": "attempt-%d" % number,
            "Lambda-Runtime-Deadline-Ms": str(int(time.time() * 1000) + 3000),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:123456789012:function:fn",
            "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1",
            **event.get("headers", {}),
        }
        body = event["text"] if "text" in event else json.dumps(event.get("event", {"k": 1}))
        self.api.add({name: value for name, value in headers.items() if value is not None}, body.encode("utf-8"))

    def wait(self, condition):
        """Waits for the condition or the end of the process; whether the condition holds."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if condition():
                return True
            if self.process.poll() is not None:
                return condition()
            with self.api.changed:
                self.api.changed.wait(0.02)
        return False

    def read(self, file):
        return self.placed(os.pread(file.fileno(), 1 << 24, 0).decode("utf-8", "surrogateescape"))

    def check(self):
        expect = self.expect
        answers = expect.get("answers", [])
        if "signal" in self.case:
            self.check_signal(self.case["signal"])
        if not self.wait(lambda: len(self.api.outcomes()) >= len(answers)):
            self.problems.append("%d of %d answers" % (len(self.api.outcomes()), len(answers)))
        if "exit" in expect:
            self.wait(lambda: self.process.poll() is not None)
            status = self.process.poll()
            status = "signal %d" % -status if status is not None and status < 0 else status
            self.same("exit", expect["exit"], status)
        elif not self.wait(self.api.is_idle) or self.process.poll() is not None:
            # A client that lives asks for the next event.
            self.problems.append("the process did not ask for another event; status %s" % self.process.poll())
        outcomes = self.api.outcomes()
        self.same("answers", len(answers), len(outcomes))
        for wanted, post in zip(answers, outcomes):
            self.check_answer(wanted, post)
        if "distinct" in expect:
            self.same("distinct", expect["distinct"], len({post.body for post in outcomes}))
        inits = self.api.inits()
        self.same("init errors", expect.get("init-errors", int("init-error" in expect)), len(inits))
        if "init-error" in expect:
            for post in inits:
                self.check_error(expect["init-error"], post)
        for stream, file in (("stdout", self.out), ("stderr", self.err)):
            text = self.read(file)
            for pattern in expect.get(stream, []):
                if not re.search(pattern, text):
                    self.problems.append("%s has no match of %r:\n%s" % (stream, pattern, text))
            for pattern in expect.get("no-" + stream, []):
                if re.search(pattern, text):
                    self.problems.append("%s has a match of %r:\n%s" % (stream, pattern, text))
        if self.case.get("framed"):
            self.check_frames(expect["frames"])
        if self.problems:
            self.problems.append("stdout %r\nstderr %r" % (self.read(self.out)[-900:], self.read(self.err)[-900:]))

    def check_signal(self, wanted):
        self.wait(self.api.is_idle)
        self.process.send_signal(getattr(signal, "SIG" + wanted["name"]))
        says = lambda: wanted["output"] in self.read(self.out)
        if wanted["at-once"]:
            if not self.wait(says):
                self.problems.append("the signal's handler did not run")
        else:
            time.sleep(QUIET)
            if says():
                self.problems.append("the signal's handler ran before the next event")
        for event in wanted.get("then", []):
            self.add_event(event)

    def check_answer(self, wanted, post):
        if "error" in wanted:
            self.same("path", True, post.path.endswith("/error"))
            return self.check_error(wanted["error"], post)
        if not post.path.endswith("/response"):
            text = post.body[:2000].decode("utf-8", "replace")
            return self.problems.append("an error instead of a response: %s" % text)
        if "base64" in wanted:
            self.same("response", base64.b64decode(wanted["base64"]), post.body)
        elif "response" in wanted:
            self.same("response", wanted["response"], post.body.decode("utf-8"))
        if "json" in wanted:
            self.same("response", wanted["json"], json.loads(post.body))
        if "chunks" in wanted:
            self.same("chunks", wanted["chunks"], [piece.decode("utf-8") for _, piece in post.pieces])
        if "spread-ms" in wanted and (post.pieces[-1][0] - post.pieces[0][0]) * 1000 < wanted["spread-ms"]:
            self.problems.append("all chunks came within less than %d ms" % wanted["spread-ms"])
        self.check_headers(wanted, post)

    def check_headers(self, wanted, post):
        for name, value in wanted.get("headers", {}).items():
            self.same(name, value, post.headers.get(name))
        for name, value in wanted.get("trailers", {}).items():
            self.same("trailer " + name, value, post.trailers.get(name))

    def check_error(self, wanted, post):
        body = json.loads(post.body)
        if "error-keys" in self.table:
            self.same("keys", self.table["error-keys"], list(body))
        for key, value in wanted.items():
            if key != "headers":
                self.same(key, value, body.get(key))
        self.check_headers(wanted, post)

    def check_frames(self, wanted):
        os.set_blocking(self.frames_in, False)
        try:
            data = os.read(self.frames_in, 1 << 20)
        except BlockingIOError:
            data = b""
        os.close(self.frames_in)
        frames, layout = [], ">IIQ"
        while data:
            kind, size, _ = struct.unpack_from(layout, data)
            start = struct.calcsize(layout)
            frames.append(["%08x" % kind, data[start:start + size].decode("utf-8")])
            data = data[start + size:]
        self.same("frames", wanted, frames)

    def same(self, what, wanted, found):
        """`{"match": pattern}` stands for a string that the pattern matches as a whole."""
        if not self.matches(wanted, found):
            self.problems.append("%s:\n   wanted %s\n   found  %s" % (what, wanted, self.placed(found)))

    def placed(self, value):
        if isinstance(value, list):
            return [self.placed(item) for item in value]
        if isinstance(value, str):
            for path, name in self.places.items():
                value = value.replace(path, name)
        return value

    def matches(self, wanted, found):
        if isinstance(wanted, dict) and set(wanted) == {"match"}:
            return isinstance(found, str) and re.fullmatch(wanted["match"], self.placed(found), re.S) is not None
        if isinstance(wanted, list) and isinstance(found, list):
            if wanted[-1:] == [REST]:
                wanted = wanted[:-1]
                found = found[:len(wanted)]
            return len(wanted) == len(found) and all(map(self.matches, wanted, found))
        return wanted == self.placed(found)
