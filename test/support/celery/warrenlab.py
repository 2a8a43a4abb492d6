"""Tasks for tests of monitoring, on whatever broker WARREN_LAB_BROKER names."""
import os
import time

from celery import Celery

app = Celery("warrenlab", broker=os.environ["WARREN_LAB_BROKER"])
app.conf.update(task_send_sent_event=True, worker_hijack_root_logger=False, broker_connection_retry_on_startup=True)
app.conf.update(worker_pool_restarts=True, worker_prefetch_multiplier=1)


@app.task
def add(x, y):
    return x + y


@app.task
def fail(message):
    raise ValueError(message)


@app.task(bind=True, max_retries=3)
def flaky(self, failures):
    if self.request.retries < failures:
        raise self.retry(exc=RuntimeError("not yet"), countdown=0.2)
    return "done"


@app.task
def sleep(seconds):
    time.sleep(seconds)
    return "awake"
