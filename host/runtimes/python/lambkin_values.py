"""What a Python function gets and returns: events, responses and the context object, as with AWS's client.

A part of bootstrap.py, which imports it. What cannot be read or written raises `FaultException` with the type and the
message that AWS's client reports.
"""

import json
import logging
import os
import re
import sys
import time


def runtime_version():
    """The Python version whose rules apply, as a tuple such as (3, 13)."""
    named = re.match(r"AWS_Lambda_python(\d+)\.(\d+)$", os.environ.get("AWS_EXECUTION_ENV", ""))
    return tuple(map(int, named.groups())) if named else sys.version_info[:2]


MODERN = runtime_version() >= (3, 12)  # AWS changed the encoder and the handling of signals with python3.12


class FaultException(Exception):
    """An error that is reported with a type of Lambda's own instead of an exception's class."""

    def __init__(self, exception_type, msg, trace=None):
        self.exception_type = exception_type
        self.msg = msg
        self.trace = trace


# ---- Events and responses ----
# AWS's client uses simplejson. These functions do the same with the standard library.


class _RefusedConstant(ValueError):
    pass


def _refuse_constant(_name):
    raise _RefusedConstant


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)
# Replaces a Decimal until the text of the response is ready; random, so that no text of a function contains it.
_NUMBER_MARK = "number:" + os.urandom(16).hex() + ":"


def from_json(body):
    text = body.decode("utf-8")
    if text.startswith("\ufeff"):
        text = text[1:]
    try:
        return _DECODER.decode(text)
    except _RefusedConstant:
        # NaN and Infinity are refused where they stand: the first occurrence outside a string.
        for token in re.finditer(r'"(?:[^"\\]|\\.)*"|NaN|-?Infinity', text):
            if not token.group().startswith('"'):
                raise json.JSONDecodeError("Expecting value", text, token.start()) from None
        raise


def _default(value):
    decimal = sys.modules.get("decimal")  # a function that returns a Decimal has imported it
    if decimal and isinstance(value, decimal.Decimal):
        return float("nan") if value.is_nan() else _NUMBER_MARK + str(value)
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if callable(getattr(value, "_asdict", None)):
        return _converted(value._asdict())
    raise TypeError("Object of type %s is not JSON serializable" % type(value).__name__)


_ENCODER = json.JSONEncoder(ensure_ascii=not MODERN, default=_default)


def _needs_conversion(value):
    """Whether the value contains what json encodes otherwise than simplejson, without asking `_default`."""
    seen, pending = set(), [value]
    while pending:
        value = pending.pop()
        if not isinstance(value, (dict, list, tuple)) or id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, dict):
            if any(isinstance(key, bytes) for key in value):
                return True
            pending.extend(value.values())
        elif hasattr(value, "_asdict"):
            return True
        else:
            pending.extend(value)
    return False


def _converted(value, parents=()):
    if id(value) in parents:
        raise ValueError("Circular reference detected")
    inner = parents + (id(value),)
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, dict):
        return {k.decode("utf-8") if isinstance(k, bytes) else k: _converted(v, inner) for k, v in value.items()}
    return [_converted(item, inner) for item in value] if isinstance(value, (list, tuple)) else value


def to_json(value):
    if isinstance(value, (dict, list, tuple)) and _needs_conversion(value):
        value = _converted(value)
    text = _ENCODER.encode(value)
    return re.sub('"%s([^"]*)"' % _NUMBER_MARK, r"\1", text) if _NUMBER_MARK in text else text


def unmarshal_request(body, content_type):
    if content_type != "application/json":
        return body
    try:
        return from_json(body)
    except Exception as error:
        raise FaultException("Runtime.UnmarshalError", "Unable to unmarshal input: %s" % error)


def marshal_response(response):
    if isinstance(response, bytes):
        return response, "application/unknown"
    try:
        return to_json(response), "application/json"
    except Exception as error:
        raise FaultException("Runtime.MarshalError", "Unable to marshal response: %s" % error)


# ---- The context object ----


class _Fields:
    __slots__ = ()

    def __init__(self, values):
        for field in self.__slots__:
            setattr(self, field, values.get(field))

    def __repr__(self):
        return "%s([%s])" % (type(self).__name__, ",".join("%s=%s" % (f, getattr(self, f)) for f in self.__slots__))


class CognitoIdentity(_Fields):
    __slots__ = ("cognito_identity_id", "cognito_identity_pool_id")


class Client(_Fields):
    __slots__ = ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")


class ClientContext(_Fields):
    __slots__ = ("custom", "env", "client")


class LambdaContext:
    def __init__(self, invoke_id, client_context, cognito_identity, deadline_ms, function_arn, tenant_id):
        self.aws_request_id = invoke_id
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")  # AWS gives text, not a number
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.invoked_function_arn = function_arn
        self.tenant_id = tenant_id
        w3c = client_context.pop("w3c", None) if isinstance(client_context, dict) else None
        w3c = w3c if isinstance(w3c, dict) else {}
        names = ("traceparent", "tracestate", "baggage")
        self._w3c_fields = {name: w3c[name] for name in names if isinstance(w3c.get(name), str)}
        self.client_context = None if client_context is None else ClientContext(client_context)
        if self.client_context is not None and self.client_context.client is not None:
            self.client_context.client = Client(self.client_context.client)
        identity = cognito_identity if cognito_identity is not None else {}
        self.identity = CognitoIdentity({
            "cognito_identity_id": identity.get("cognitoIdentityId"),
            "cognito_identity_pool_id": identity.get("cognitoIdentityPoolId"),
        })
        self._epoch_deadline_time_in_ms = deadline_ms

    def get_remaining_time_in_millis(self):
        return max(0, self._epoch_deadline_time_in_ms - int(time.time() * 1000))

    def w3c(self):
        return dict(self._w3c_fields)

    def log(self, msg):
        for handler in logging.getLogger().handlers:
            if hasattr(handler, "log_sink"):
                handler.log_sink.log(str(msg))
                return
        sys.stdout.write(str(msg))

    def __repr__(self):
        names = ("aws_request_id", "log_group_name", "log_stream_name", "function_name", "memory_limit_in_mb",
                 "function_version", "invoked_function_arn", "client_context", "identity", "tenant_id")
        return "LambdaContext([%s])" % ",".join("%s=%s" % (name, getattr(self, name)) for name in names)


def parse_json_header(header, name):
    if not header:
        return None
    try:
        return json.loads(header)
    except Exception as error:
        message = "Unable to parse %s JSON: %s" % (name, error)
        raise FaultException("Runtime.LambdaContextUnmarshalError", message)
