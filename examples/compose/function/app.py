import os


def handler(event, context):
    name = event.get("name", "world")
    print("greeting", name)
    return {"message": f"{os.environ['GREETING']} {name}", "requestId": context.aws_request_id}
