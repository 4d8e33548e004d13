"""A webhook receiver: it checks the signature of each request and makes an event of it.

`configure` runs once, and what it returns as `state` is passed to `shape` (a request becomes an event) and `resume`
(what became of the event becomes a response). The contract is described in `wit/deps/http-trigger`.
"""

import base64
import hashlib
import hmac
import json
import warnings  # noqa: F401  hmac imports it when it is used, and the component has only what is imported here

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports import http_shaper as http
from wit_world.imports.types import FunctionReference, Problem

SECRET = "WEBHOOK_SECRET"
SIGNATURE = "x-hub-signature-256"
MAX_BODY_BYTES = 1 << 20


class HttpShaper(exports.HttpShaper):
    def configure(self, config, surroundings):
        config = json.loads(config)
        problems = []

        def problem(at, message):
            problems.append(Problem([at] if at else [], message, []))

        for key in config:
            if key not in ("function", "path"):
                problem(key, "is not a setting of this plugin: its settings are function and path")
        function = config.get("function")
        if "function" not in config:
            problem("", "needs function: the function that receives the events")
        elif not isinstance(function, str):
            problem("function", "has to be a string: the name of a function")
        path = config.get("path", "/webhook")
        if not isinstance(path, str) or not path.startswith("/"):
            problem("path", "has to be a string that begins with /")
        secret = dict(surroundings.environment).get(SECRET)
        if not secret:
            problem("", "needs the variable WEBHOOK_SECRET: set it, and list it in pass-environment")
        if problems:
            raise Err(problems)
        return http.Setup(
            state=json.dumps({"function": function, "path": path, "secret": secret}),
            functions=[FunctionReference(function, ["function"])],
            max_body_bytes=MAX_BODY_BYTES,
            reusable=True,
            summary=[f"POST {path} -> {function}"],
            warnings=[],
            extra=[],
        )

    def shape(self, state, request):
        state = json.loads(state)
        if request.path != state["path"]:
            return refuse(404, "Not Found")
        if request.method != "POST":
            return reply(405, '{"message":"Method Not Allowed"}', [("Allow", "POST")])
        match request.body:
            case http.RequestBody_Empty():
                body = b""
            case http.RequestBody_Text(text):
                body = text.encode()
            case http.RequestBody_Binary(data):
                body = data
            case http.RequestBody_TooLarge():
                return refuse(413, "Content Too Large")
        if not is_signed(request.headers, state["secret"], body):
            return refuse(401, "Unauthorized")
        is_base64 = isinstance(request.body, http.RequestBody_Binary)
        event = {
            "id": request.id,
            "time": request.at_ms,
            "headers": joined(request.headers),
            "body": base64.b64encode(body).decode() if is_base64 else body.decode(),
            "isBase64Encoded": is_base64,
        }
        return http.Step_Invoke(
            http.Invocation(
                function=state["function"],
                event=json.dumps(event),
                mode=http.InvocationMode.BUFFERED,
                max_wait_ms=None,
                cache=None,
                token="",
                with_request=False,
                extra=[],
            )
        )

    def resume(self, state, token, outcome, request):
        match outcome.ending:
            case http.Ending_Completed(result):
                return reply(202, result)
            case http.Ending_Failed():
                return refuse(500, "Internal Server Error")
            case http.Ending_TimedOut() | http.Ending_Expired():
                return refuse(504, "Gateway Timeout")
            case http.Ending_Throttled():
                return refuse(429, "Too Many Requests")
            case http.Ending_Unavailable():
                return refuse(503, "Service Unavailable")
            case _:
                raise Err("this plugin neither streams, nor invokes asynchronously, nor fetches")


def is_signed(headers, secret, body):
    """Whether the signature is the HMAC of the body."""
    signature = next((header.value for header in headers if header.name == SIGNATURE), "")
    expected = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(signature.encode(), expected.encode())


def joined(headers):
    """The headers by their names in lower case. The values of a repeated header are joined."""
    values = {}
    for header in headers:
        values.setdefault(header.name, []).append(header.value)
    return {name: ", ".join(values) for name, values in values.items()}


def refuse(status, message):
    return reply(status, json.dumps({"message": message}))


def reply(status, body, headers=()):
    headers = [*headers, ("Content-Type", "application/json")]
    return http.Step_Reply(http.Response(status, None, headers, http.ResponseBody_Text(body), []))
