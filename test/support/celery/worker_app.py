"""A Celery app whose tasks write down what they were called with, for tests that compare it with what was sent.

BROKER is its broker's address, PLACE a folder: each run adds a line of JSON to `ran.jsonl` there.
"""
import json
import os

from celery import Celery

app = Celery("lab", broker=os.environ["BROKER"])
app.conf.update(
    accept_content=["json", "yaml"],
    worker_send_task_events=True,
    broker_connection_retry=False,
)
PLACE = os.environ.get("PLACE", "/nowhere")


def note(request, args, kwargs, outcome):
    line = {
        "id": request.id,
        "root": request.root_id,
        "parent": request.parent_id,
        "retries": request.retries,
        "origin": request.origin,
        "argsrepr": request.argsrepr,
        "kwargsrepr": request.kwargsrepr,
        "ignore_result": request.ignore_result,
        "args": repr(tuple(args)),
        "kwargs": repr(kwargs),
        "outcome": outcome,
    }
    with open(os.path.join(PLACE, "ran.jsonl"), "a") as file:
        file.write(json.dumps(line) + "\n")


@app.task(name="lab.record", bind=True)
def record(self, *args, **kwargs):
    note(self.request, args, kwargs, "fine")


@app.task(name="lab.shaky", bind=True)
def shaky(self, *args, **kwargs):
    """Fails until the file `good` is there."""
    good = os.path.exists(os.path.join(PLACE, "good"))
    note(self.request, args, kwargs, "fine" if good else "failed")
    if not good:
        raise ValueError("not yet")
