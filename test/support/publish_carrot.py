"""Publishes messages in django-carrot's exact wire form with pika.

Usage: publish_carrot.py URL QUEUE [--declare] < JSON lines, each {"task", "args"?, "kwargs"?, "priority"?, "id"?, "body"?, "headers"?}
`body` and `headers` override what carrot would send, for malformed messages; `headers` null leaves them out.
Declares the queue as carrot's consumers do when --declare is given; publishers of carrot declare nothing.
"""

import json
import sys
import uuid

import pika


def main():
    url, queue = sys.argv[1], sys.argv[2]
    connection = pika.BlockingConnection(pika.URLParameters(url))
    channel = connection.channel()
    if "--declare" in sys.argv[3:]:
        channel.exchange_declare(exchange=queue, exchange_type="direct")
        channel.queue_declare(queue=queue, durable=True, arguments={"x-max-priority": 255})
        channel.queue_bind(queue=queue, exchange=queue, routing_key=queue)
    channel.confirm_delivery()
    for line in sys.stdin:
        job = json.loads(line)
        body = {}
        if job.get("args"):
            body["args"] = job["args"]
        if job.get("kwargs"):
            body["kwargs"] = job["kwargs"]
        identity = job.get("id") or str(uuid.uuid4())
        headers = job["headers"] if "headers" in job else {"type": job["task"]}
        channel.basic_publish(
            exchange="",
            routing_key=queue,
            mandatory=True,
            body=job["body"].encode("utf-8", "surrogateescape") if "body" in job else json.dumps(body),
            properties=pika.BasicProperties(
                content_type="application/json",
                headers=headers,
                priority=job.get("priority", 0),
                message_id=identity,
                type="django-carrot message",
            ),
        )
        print(identity, flush=True)
    connection.close()


main()
