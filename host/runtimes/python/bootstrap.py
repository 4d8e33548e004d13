"""Lambda runtime client for Python functions: loads the handler and serves invocations from the Runtime API.

Contract: started as `python3 bootstrap.py` with the task root as working directory and the environment of a Lambda
function (`_HANDLER`, `LAMBDA_TASK_ROOT`, `AWS_LAMBDA_RUNTIME_API`, `AWS_EXECUTION_ENV`, ...). Two more variables are
read and removed: `LAMBKIN_LAYER_PATH`, the unpacked layers in order, each laid out as /opt, and `LAMBKIN_SDK_PATH`,
a folder searched last. Everything a function can observe is as with AWS's client (awslambdaric); where that depends on
the version of Python, the runtime in `AWS_EXECUTION_ENV` decides, otherwise the interpreter's own version.

Failure rule: what the function does wrong is posted to the Runtime API. An error while loading ends the process with
status 1, an error of an invocation does not. A fault of the Runtime API itself ends the process with a traceback.

`LambdaRuntimeClient`, its `post_*` methods and `handle_event_request` have the names and leading parameters of AWS's
client because monitoring libraries, such as Sentry's, replace them in `__main__`.

Python 3.8 or later, standard library only. Imports decide how long a cold start takes, so modules that only some
functions need are imported where they are needed.
"""

import importlib
import json
import logging
import os
import site
import socket
import sys
import time
import traceback

from lambkin_values import (
    MODERN, FaultException, LambdaContext, marshal_response, parse_json_header, to_json, unmarshal_request,
)

VERSION = "1.0"
MAX_XRAY_CAUSE = 1024 * 1024  # bytes; AWS's client sends an empty header instead of a longer one
NEXT_ATTEMPTS = 5  # of a worker of several, the first included
NEXT_FIRST_DELAY = 0.1  # seconds, doubled for each further attempt
UNHANDLED_WARNING = (
    "LAMBDA_WARNING: Unhandled exception. The most likely cause is an issue in the function code. However, in rare "
    "cases, a Lambda runtime update can cause unexpected function behavior. For functions using managed runtimes, "
    "runtime updates can be triggered by a function change, or can be applied automatically. To determine if the "
    "runtime has been updated, check the runtime version in the INIT_START log entry. If this error correlates with a "
    "change in the runtime version, you may be able to mitigate this error by temporarily rolling back to the previous "
    "runtime version. For more information, see https://docs.aws.amazon.com/lambda/latest/dg/runtimes-update.html\r"
)


# ---- Runtime API ----


class RuntimeApiError(Exception):
    def __init__(self, path, status, body):
        self.status = status
        super().__init__("Runtime API: %s answered %s: %s" % (path, status, body.decode("utf-8", "replace").strip()))


class InvocationRequest:
    def __init__(self, headers, body):
        self.invoke_id = headers.get("lambda-runtime-aws-request-id")
        self.invocation_id = headers.get("lambda-runtime-invocation-id")
        self.x_amzn_trace_id = headers.get("lambda-runtime-trace-id")
        self.invoked_function_arn = headers.get("lambda-runtime-invoked-function-arn")
        self.deadline_time_in_ms = int(headers.get("lambda-runtime-deadline-ms", 0))
        self.client_context = headers.get("lambda-runtime-client-context")
        self.cognito_identity = headers.get("lambda-runtime-cognito-identity")
        self.tenant_id = headers.get("lambda-runtime-aws-tenant-id")
        self.content_type = headers.get("content-type", "application/json")
        self.event_body = body


class LambdaRuntimeClient:
    """The Runtime API over one keep-alive connection, without time limits: `next` may take hours.

    `http.client` would more than double the time of a cold start. If `concurrent`, other workers share the function,
    and a fault of the Runtime API is logged instead of raised where AWS's client does so.
    """

    def __init__(self, address, concurrent=False):
        self._address = address
        self._concurrent = concurrent
        self._socket = self._reader = None

    def wait_next_invocation(self):
        attempt, delay = 1, NEXT_FIRST_DELAY
        while True:
            try:
                headers, body = self._poll()
                return InvocationRequest(headers, body)
            except (OSError, RuntimeApiError) as error:
                if not self._concurrent or attempt == NEXT_ATTEMPTS:
                    raise
                logging.warning("Attempt %d to get the next invocation failed: %s", attempt, error)
            time.sleep(delay)
            attempt, delay = attempt + 1, delay * 2

    def post_invocation_result(self, invoke_id, result, content_type="application/json", invocation_id=None):
        body = result if isinstance(result, bytes) else result.encode("utf-8")
        self._post_outcome("invocation/%s/response" % invoke_id, body, {"Content-Type": content_type}, invocation_id)

    def post_invocation_error(self, invoke_id, error, xray_cause, invocation_id=None):
        if len(xray_cause.encode("utf-8")) >= MAX_XRAY_CAUSE:
            xray_cause = ""
        headers = {"Content-Type": "application/json", "Lambda-Runtime-Function-XRay-Error-Cause": xray_cause}
        self._post_outcome("invocation/%s/error" % invoke_id, error.encode("utf-8"), headers, invocation_id)

    def post_init_error(self, error, error_type=None):
        headers = {"Lambda-Runtime-Function-Error-Type": error_type or error["errorType"]}
        try:
            self._request("POST", "init/error", headers, to_json(error).encode("utf-8"))
        except RuntimeApiError as fault:
            # Each worker loads the function, so each reports the error, and only the first report is accepted.
            if not (self._concurrent and fault.status == 403):
                raise

    def restore_next(self):
        self._request("GET", "restore/next")

    def post_restore_error(self, error):
        headers = {"Lambda-Runtime-Function-Error-Type": "Runtime.AfterRestoreError"}
        self._request("POST", "restore/error", headers, to_json(error).encode("utf-8"))

    def _poll(self):
        """GET next, with AWS's handling of signals while the function is idle."""
        if not MODERN:
            return self._poll_without_signals()
        try:
            return self._request("GET", "invocation/next")
        except SystemExit:
            # The function's handler of SIGTERM called sys.exit(). AWS's client polls in a helper thread, which the
            # interpreter waits for before it exits, so that the process ends with the next event or by SIGKILL.
            self._socket.recv(1, socket.MSG_PEEK)
            raise

    def _poll_without_signals(self):
        """Up to python3.11, AWS's client waits in native code: a handler of SIGTERM runs after `next` returned."""
        import signal

        if not hasattr(signal, "pthread_sigmask") or not callable(signal.getsignal(signal.SIGTERM)):
            return self._request("GET", "invocation/next")
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        try:
            return self._request("GET", "invocation/next")
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])

    def _post_outcome(self, path, body, headers, invocation_id):
        if invocation_id is not None:
            headers["Lambda-Runtime-Invocation-Id"] = invocation_id
        try:
            self._request("POST", path, headers, body)
        except (OSError, RuntimeApiError) as error:
            if not self._concurrent:
                raise
            logging.warning("%s: this does not end the worker", error)

    def _request(self, method, path, headers=None, body=b""):
        """Returns the headers, with lower-case names, and the body of a successful answer."""
        path = "/2018-06-01/runtime/" + path
        lines = ["%s %s HTTP/1.1" % (method, path), "Host: " + self._address, "User-Agent: lambkin-python/" + VERSION]
        lines += ["%s: %s" % header for header in (headers or {}).items()]
        if method == "POST":
            lines.append("Content-Length: %d" % len(body))
        message = "\r\n".join(lines).encode("utf-8") + b"\r\n\r\n" + body
        while True:
            reused = self._reader is not None
            if not reused:
                self._connect()
            try:
                self._socket.sendall(message)
                status_line = self._reader.readline()
            except ConnectionError:
                if not reused:
                    raise
                status_line = b""
            if status_line:
                break
            # A server may close an idle connection at any time; on a new one, the lack of an answer is a fault.
            self._close()
            if not reused:
                raise ConnectionError("Runtime API: no answer to %s %s" % (method, path))
        status = int(status_line.split(None, 2)[1])
        headers, body = self._read_answer()
        if headers.get("connection", "").lower() == "close":
            self._close()
        if not 200 <= status < 300:
            raise RuntimeApiError(path, status, body)
        return headers, body

    def _connect(self):
        host, _, port = self._address.rpartition(":")
        # Not create_connection: to look up a name, it loads an encoder of international names.
        self._socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        self._socket.connect((host.strip("[]"), int(port)))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = self._socket.makefile("rb")

    def _close(self):
        self._reader.close()
        self._socket.close()
        self._reader = None

    def _read_answer(self):
        headers = {}
        while True:
            line = self._reader.readline().rstrip(b"\r\n")
            if not line:
                break
            name, _, value = line.partition(b":")
            headers[name.decode("latin-1").lower()] = value.strip().decode("utf-8", "replace")
        if headers.get("transfer-encoding", "").lower() != "chunked":
            return headers, self._read_exactly(int(headers.get("content-length", 0)))
        chunks = []
        while True:
            size = int(self._reader.readline().split(b";")[0], 16)
            chunks.append(self._read_exactly(size))
            self._reader.readline()  # the line end after a chunk; after the last one, the empty line of no trailers
            if size == 0:
                return headers, b"".join(chunks)

    def _read_exactly(self, size):
        data = self._reader.read(size)
        if len(data) != size:
            raise ConnectionError("Runtime API: the connection was closed within an answer")
        return data


# ---- Logs ----

JSON_LOGS = os.environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"
# Attributes of a log record that are not the caller's `extra`.
RECORD_FIELDS = set(vars(logging.makeLogRecord({}))) - {"taskName"} | {"aws_request_id", "tenant_id"}
current_request = None  # the latest InvocationRequest, for the records logged meanwhile and after it


class Unbuffered:
    """A standard stream whose text is out when the call that wrote it returns."""

    def __init__(self, stream):
        self.stream = stream

    def __getattr__(self, name):
        return getattr(self.stream, name)

    def write(self, text):
        self.stream.write(text)
        self.stream.flush()

    def writelines(self, lines):
        self.stream.writelines(lines)
        self.stream.flush()


class StandardLogSink:
    def log(self, msg, level=0):
        sys.stdout.write(msg)

    def log_error(self, lines):
        # Whatever reads the stream takes a line feed as the end of a record, so lines within one end with \r.
        sys.stdout.write("\r".join(lines) + "\n")


class FramedTelemetryLogSink:
    """Frames of big-endian type (4 bytes), length (4), time in microseconds (8), then the record.

    The type is 0xA55A0002 for JSON and ...3 for text, plus the level from 2 (debug) to 6 (critical) times 4.
    """

    def __init__(self, fd):
        import threading

        self._fd = fd
        self._lock = threading.Lock()  # a write to a pipe of more than its page size may be divided

    def log(self, msg, level=0):
        data = msg.encode("utf-8", "backslashreplace")
        kind = (0xA55A0002 if JSON_LOGS and level else 0xA55A0003) + (level // 10 + 1 if level else 0) * 4
        frame = kind.to_bytes(4, "big") + len(data).to_bytes(4, "big") + (time.time_ns() // 1000).to_bytes(8, "big")
        frame = memoryview(frame + data)
        with self._lock:
            while frame:
                frame = frame[os.write(self._fd, frame):]

    def log_error(self, lines):
        self.log("\n".join(lines), logging.ERROR)


def level_of(record):
    return min(50, max(0, record.levelno)) // 10 * 10


class LambdaLoggerHandler(logging.Handler):
    def __init__(self, log_sink):
        super().__init__()
        self.log_sink = log_sink

    def emit(self, record):
        # AWS frames text records with a level only if a level is configured.
        leveled = JSON_LOGS or os.environ.get("AWS_LAMBDA_LOG_LEVEL")
        self.log_sink.log(self.format(record), level_of(record) if leveled else 0)


class LambdaLoggerFilter(logging.Filter):
    def filter(self, record):
        record.aws_request_id = current_request.invoke_id if current_request else ""
        record.tenant_id = current_request.tenant_id if current_request else None
        return True


class JsonFormatter(logging.Formatter):
    def format(self, record):
        error_type, error, tb = record.exc_info or (None, None, None)
        plain = isinstance(record.msg, dict) and not record.args
        result = {
            "timestamp": self.formatTime(record, "%Y-%m-%dT%H:%M:%SZ"),
            "level": logging.getLevelName(level_of(record)),
            "message": record.msg if plain else record.getMessage(),
            "logger": record.name,
            "stackTrace": traceback.format_tb(tb) if record.exc_info else None,
            "errorType": error_type.__name__ if error_type else None,
            "errorMessage": str(error) if record.exc_info else None,
            "requestId": record.aws_request_id,
            "location": "%s:%s:%d" % (record.pathname, record.funcName, record.lineno) if record.exc_info else None,
            "tenantId": record.tenant_id,
        }
        extra = {k: v for k, v in vars(record).items() if k not in RECORD_FIELDS and k not in result}
        result.update(extra)
        present = {key: value for key, value in result.items() if value is not None}
        return json.dumps(present, ensure_ascii=False, default=str) + "\n"


def set_up_logging(framed=True):
    """Installs the root handler and returns the sink that the client's own records go to."""
    sys.stdout, sys.stderr = Unbuffered(sys.stdout), Unbuffered(sys.stderr)
    fd = os.environ.pop("_LAMBDA_TELEMETRY_LOG_FD", None)
    log_sink = FramedTelemetryLogSink(int(fd)) if fd and framed else StandardLogSink()
    logging.Formatter.converter = time.gmtime
    handler = LambdaLoggerHandler(log_sink)
    text = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n"
    handler.setFormatter(JsonFormatter() if JSON_LOGS else logging.Formatter(text, "%Y-%m-%dT%H:%M:%S"))
    handler.addFilter(LambdaLoggerFilter())
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper().replace("TRACE", "DEBUG")
    if isinstance(logging.getLevelName(level), int):
        logging.getLogger().setLevel(level)
    logging.getLogger().addHandler(handler)
    return log_sink


def log_error(error, log_sink):
    if JSON_LOGS:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        log_sink.log_error([to_json({"timestamp": stamp, "level": "ERROR", **error})])
        return
    title = ": ".join(part for part in (error["errorType"], error["errorMessage"]) if part)
    lines = ["[ERROR] " + title if title else "[ERROR]", "Traceback (most recent call last):"]
    for entry in error["stackTrace"]:
        for line in entry.splitlines() or [""]:
            # CloudWatch drops leading spaces, but not no-break spaces.
            code = line.lstrip(" ")
            lines.append("\u00a0" * (len(line) - len(code)) + code)
    log_sink.log_error(lines)


# ---- Loading ----


def set_up_path():
    """sys.path as AWS has it: the task, the layers (later ones first), then the interpreter's own folders."""
    root = os.environ.get("LAMBDA_TASK_ROOT") or os.getcwd()
    layers = os.environ.pop("LAMBKIN_LAYER_PATH", "/opt").split(os.pathsep)
    sdk = os.environ.pop("LAMBKIN_SDK_PATH", "")
    folders = [root]
    if not os.environ.get("PYTHONPATH"):  # AWS: a function that sets PYTHONPATH has no folders of layers
        layers = [os.path.join(layer, "python") for layer in reversed(layers) if layer]
        packages = os.path.join("lib", "python%d.%d" % sys.version_info[:2], "site-packages")
        folders += [os.path.join(layer, packages) for layer in layers] + layers
    sys.path[:1] = folders  # the first entry was the folder of this file
    site.addsitedir(root)  # .pth files in the task count
    if sdk:
        sys.path.append(sdk)
        os.environ.setdefault("PYTHONPATH", sdk)  # child processes find it too, as they find /var/runtime on AWS


def get_handler(handler):
    try:
        modname, fname = handler.rsplit(".", 1)
    except ValueError as error:
        raise FaultException("Runtime.MalformedHandlerName", "Bad handler '%s': %s" % (handler, error))
    if modname.split(".")[0] in sys.builtin_module_names:
        message = "Cannot use built-in module %s as a handler module" % modname
        raise FaultException("Runtime.BuiltInModuleConflict", message)
    try:
        module = importlib.import_module(modname.replace("/", "."))
    except ImportError as error:
        explain_missing_sdk(error)
        raise FaultException("Runtime.ImportModuleError", "Unable to import module '%s': %s" % (modname, error))
    except SyntaxError as error:
        trace = ['  File "%s" Line %s\n    %s' % (error.filename, error.lineno, error.text)]
        message = "Syntax error in module '%s': %s" % (modname, error)
        raise FaultException("Runtime.UserCodeSyntaxError", message, trace)
    try:
        return getattr(module, fname)
    except AttributeError:
        explain_missing_handler(fname, modname, module)
        message = "Handler '%s' missing on module '%s'" % (fname, modname)
        raise FaultException("Runtime.HandlerNotFound", message)


def explain_missing_handler(fname, modname, module):
    """Not AWS's: which functions the module has instead."""
    import difflib

    names = [name for name, value in vars(module).items() if callable(value) and not isinstance(value, type)
             and getattr(value, "__module__", None) == module.__name__ and not name.startswith("_")]
    near = difflib.get_close_matches(fname, names, 1)
    logging.error("lambkin: %s defines %s%s", modname, ", ".join(names) or "no function",
                  "; did you mean the handler %s.%s?" % (modname, near[0]) if near else "")


def explain_missing_sdk(error):
    if (getattr(error, "name", None) or "").split(".")[0] not in ("boto3", "botocore"):
        return
    import importlib.util as imports
    import sysconfig

    if imports.find_spec("pip") is None:
        install = "uv pip install --python %s boto3" % sys.executable
    elif sys.prefix == sys.base_prefix and os.path.exists(sysconfig.get_path("stdlib") + "/EXTERNALLY-MANAGED"):
        install = "%s -m venv .venv && .venv/bin/python -m pip install boto3" % sys.executable
    else:
        install = "%s -m pip install boto3" % sys.executable
    logging.error("lambkin: AWS Lambda includes boto3 in its Python runtimes, this machine's Python does not have it. "
                  "Install it with: %s", install)


def make_error(message, error_type, trace, invoke_id=""):
    return {"errorMessage": message, "errorType": error_type, "requestId": invoke_id, "stackTrace": trace or []}


def describe_exception(error):
    """Name, text and stack of an exception; frames of this file are hidden unless there are no others."""
    frames = [(f.filename, f.lineno, f.name, f.line) for f in traceback.extract_tb(error.__traceback__)]
    users = (i for i, frame in enumerate(frames) if "/bootstrap.py" not in frame[0].replace("\\", "/"))
    return type(error).__name__, str(error), frames[next(users, 0):]


def make_init_error(error):
    if isinstance(error, FaultException):
        return make_error(error.msg, error.exception_type, error.trace)
    name, text, frames = describe_exception(error)
    return make_error(text, name, traceback.format_list(frames))


# ---- Serving ----


def handle_event_request(lambda_runtime_client, request_handler, request, log_sink):
    try:
        context = LambdaContext(
            request.invoke_id,
            parse_json_header(request.client_context, "Client Context"),
            parse_json_header(request.cognito_identity, "Cognito Identity"),
            request.deadline_time_in_ms,
            request.invoked_function_arn,
            request.tenant_id,
        )
        event = unmarshal_request(request.event_body, request.content_type)
        response = request_handler(event, context)
        result, content_type = marshal_response(response)
    except FaultException as fault:
        name, text, frames = "LambdaValidationError", fault.msg, []
        error = make_error(fault.msg, fault.exception_type, fault.trace, request.invoke_id)
    except Exception as exception:
        explain_missing_sdk(exception)
        name, text, frames = describe_exception(exception)
        error = make_error(text, name, traceback.format_list(frames), request.invoke_id)
    else:
        lambda_runtime_client.post_invocation_result(request.invoke_id, result, content_type, request.invocation_id)
        return
    stack = [{"label": label, "path": path, "line": line} for path, line, label, _ in frames]
    cause = {
        "working_directory": os.getcwd(),
        "exceptions": [{"message": text, "type": name, "stack": stack}],
        "paths": sorted({frame[0] for frame in frames}),
    }
    log_error(error, log_sink)
    lambda_runtime_client.post_invocation_error(
        request.invoke_id, to_json(error), to_json(cause), request.invocation_id)


def restore_from_snapshot(client, log_sink):
    """SnapStart: runs the function's hooks around the snapshot; exit statuses are those of AWS's client."""
    try:
        import snapshot_restore_py as hooks
    except ImportError:
        hooks = None  # then the function cannot have registered any
    try:
        before = hooks.get_before_snapshot() if hooks else []
        while before:  # in the reverse order of registration
            function, args, kwargs = before.pop()
            function(*args, **kwargs)
        client.restore_next()
    except BaseException as exception:
        error = make_init_error(exception)
        log_error(error, log_sink)
        client.post_init_error(error, "Runtime.BeforeSnapshotError")
        sys.exit(64)
    try:
        for function, args, kwargs in hooks.get_after_restore() if hooks else []:
            function(*args, **kwargs)
    except BaseException as exception:
        error = make_init_error(exception)
        log_error(error, log_sink)
        client.post_restore_error(error)
        sys.exit(65)


def run(client, log_sink):
    global current_request
    try:
        request_handler = get_handler(os.environ.get("_HANDLER", ""))
    except Exception as exception:
        error = make_init_error(exception)
        logging.warning(UNHANDLED_WARNING)
        log_error(error, log_sink)
        client.post_init_error(error)
        sys.exit(1)
    if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
        restore_from_snapshot(client, log_sink)
    while True:
        current_request = client.wait_next_invocation()
        if current_request.x_amzn_trace_id is not None:
            os.environ["_X_AMZN_TRACE_ID"] = current_request.x_amzn_trace_id
        else:
            os.environ.pop("_X_AMZN_TRACE_ID", None)
        handle_event_request(client, request_handler, current_request, log_sink)


def main():
    address = os.environ.get("AWS_LAMBDA_RUNTIME_API")
    if not address:
        sys.exit("lambkin: AWS_LAMBDA_RUNTIME_API is not set: this program is started by Lambkin, not by hand")
    set_up_path()
    workers = os.environ.get("AWS_LAMBDA_MAX_CONCURRENCY")
    if workers is None:
        run(LambdaRuntimeClient(address), set_up_logging())
    # AWS: several events per environment means as many processes. Each loads the function; the parent serves nothing
    # and succeeds whatever becomes of them. Frames of several writers could mix, hence the standard stream.
    children = []
    for _ in range(int(workers)):
        child = os.fork()
        if child == 0:
            run(LambdaRuntimeClient(address, concurrent=True), set_up_logging(framed=False))
        children.append(child)
    for child in children:
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
