import os

from greetings import greet  # of the layer


def handler(event, context):
    name = (event.get("pathParameters") or {}).get("name", "world")
    return {"message": greet(os.environ["GREETING"], name), "requestId": context.aws_request_id}
