"""A Lambda function in Python: greets the {name} of the path, or the world."""

import os


def handler(event, context):
    name = (event.get("pathParameters") or {}).get("name", "world")
    print(f"greeting {name}")
    return {"message": f"{os.environ.get('GREETING', 'hello')}, {name}"}
