"""A batch trigger: it makes one event of several jobs, and gives failed jobs more attempts.

`configure` runs once, and what it returns as `state` is passed to `shape` (messages become an event) and `settle` (the
function's result becomes verdicts). The contract is described in `wit/deps/batch-trigger`.
"""

import base64
import json
import sys

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports import batch_shaper as batch
from wit_world.imports.types import FunctionReference, Problem


class BatchShaper(exports.BatchShaper):
    def configure(self, config, surroundings, source):
        config = json.loads(config)
        problems = []

        def problem(at, message):
            problems.append(Problem([at] if at else [], message, []))

        for key in config:
            if key not in ("function", "attempts"):
                problem(key, "is not a setting of this plugin: its settings are function and attempts")
        function = config.get("function")
        if "function" not in config:
            problem("", "needs function: the function that does the jobs")
        elif not isinstance(function, str):
            problem("function", "has to be a string: the name of a function")
        attempts = config.get("attempts", 3)
        if type(attempts) is not int or not 1 <= attempts <= 100:
            problem("attempts", "has to be a number from 1 to 100")
        if problems:
            raise Err(problems)
        return batch.Setup(
            state=str(attempts),
            function=FunctionReference(function, ["function"]),
            batching=batch.Batching(max_messages=10, max_bytes=1 << 20, window_ms=0, max_concurrency=None),
            reusable=True,
            summary=[f"{source.name} -> {function}, {attempts} attempts"],
            warnings=[],
            extra=[],
        )

    def shape(self, state, messages):
        event = {"jobs": [job(message) for message in messages]}
        attempts = {message.id: attempt(message) for message in messages}
        return batch.Invocation(event=json.dumps(event), skipped=[], token=json.dumps(attempts), extra=[])

    def settle(self, state, token, ids, outcome):
        if not isinstance(outcome.ending, batch.Ending_Completed):
            return batch.Settlement(batch.Action_Retry(None), [], [])
        try:
            failed = set(json.loads(outcome.ending.value)["failed"])
        except (ValueError, LookupError, TypeError):
            print(
                'warning: the result has to be an object with a list of ids, {"failed": []}; all jobs are retried',
                file=sys.stderr,
            )
            return batch.Settlement(batch.Action_Retry(None), [], [])
        attempts = json.loads(token)

        def verdict(id):
            if attempts[id] >= int(state):
                return batch.Verdict(id, batch.Action_DeadLetter(f"failed {attempts[id]} times"))
            return batch.Verdict(id, batch.Action_Retry(None))

        return batch.Settlement(batch.Action_Ack(), [verdict(id) for id in ids if id in failed], [])


def job(message):
    is_base64 = isinstance(message.body, batch.Body_Binary)
    return {
        "id": message.id,
        "attempt": attempt(message),
        "body": base64.b64encode(message.body.value).decode() if is_base64 else message.body.value,
        "isBase64Encoded": is_base64,
    }


def attempt(message):
    return message.receive_count or 1
