"""Tasks for tests of results and canvas. WARREN_LAB_BROKER and WARREN_LAB_RESULTS are the addresses, WARREN_LAB_PLACE a folder: a file
`open` there lets `hold` end, `good` lets `shaky` succeed."""
import json
import os
import time

from celery import Celery

app = Celery("resultlab", broker=os.environ["WARREN_LAB_BROKER"], backend=os.environ["WARREN_LAB_RESULTS"])
app.conf.update(
    result_extended=os.environ.get("WARREN_LAB_EXTENDED", "1") == "1",
    result_serializer=os.environ.get("WARREN_LAB_SERIALIZER", "json"),
    accept_content=["json", "pickle", "yaml"],
    task_track_started=True,
    task_send_sent_event=True,
    worker_hijack_root_logger=False,
    result_expires=3600,
)
PLACE = os.environ.get("WARREN_LAB_PLACE", "/nowhere")


def there(name):
    return os.path.exists(os.path.join(PLACE, name))


@app.task
def add(x, y):
    return x + y


@app.task
def total(numbers):
    return sum(numbers)


@app.task
def fail(message):
    raise ValueError(message)


@app.task(bind=True)
def shaky(self, *args, **kwargs):
    """Fails until the file `good` is there; then writes down what it was called with."""
    if not there("good"):
        raise ValueError("not yet")
    line = {"id": self.request.id, "root": self.request.root_id, "args": repr(tuple(args)), "kwargs": repr(kwargs)}
    with open(os.path.join(PLACE, "ran.jsonl"), "a") as file:
        file.write(json.dumps(line) + "\n")
    return "mended"


@app.task(bind=True, max_retries=3)
def flaky(self, failures):
    if self.request.retries < failures:
        raise self.retry(exc=RuntimeError("not yet"), countdown=0.1)
    return {"attempts": self.request.retries + 1}


@app.task(bind=True)
def hold(self, value):
    """Waits for the file `open`, and tells of its progress."""
    self.update_state(state="PROGRESS", meta={"done": 1, "of": 2})
    while not there("open"):
        time.sleep(0.05)
    return value


@app.task
def spread(count):
    from celery import group

    return group(add.s(n, n) for n in range(count)).apply_async().id
