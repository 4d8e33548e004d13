"""Counts the words of every text that is put into a bucket. The counts are sent to a queue.

The same code runs on AWS. Here, boto3 finds S3 and SQS through the variables AWS_ENDPOINT_URL_S3 and
AWS_ENDPOINT_URL_SQS.
"""

import json
import urllib.parse

import boto3

s3 = boto3.client("s3")
sqs = boto3.client("sqs")


def count(event, context):
    """Receives events of new objects, and sends the number of their words to the queue."""
    queue = sqs.get_queue_url(QueueName="counts")["QueueUrl"]
    for record in event["Records"]:
        bucket = record["s3"]["bucket"]["name"]
        key = urllib.parse.unquote_plus(record["s3"]["object"]["key"])
        text = s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
        message = {"text": f"{bucket}/{key}", "words": len(text.split())}
        sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(message))


def report(event, context):
    """Receives the counts in batches. An empty text is an error: only its message is retried, and after three attempts
    it is in the dead-letter queue."""
    failures = []
    for record in event["Records"]:
        message = json.loads(record["body"])
        if message["words"] == 0:
            failures.append({"itemIdentifier": record["messageId"]})
        else:
            print(f"{message['text']} has {message['words']} words")
    return {"batchItemFailures": failures}
