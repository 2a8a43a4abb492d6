"""Tasks for tests of monitoring, on whatever broker WARREN_LAB_BROKER names, with the settings of WARREN_LAB_CONF (JSON)."""
import json
import os
import time

from celery import Celery
from celery.backends.redis import RedisBackend

app = Celery("warrenlab", broker=os.environ["WARREN_LAB_BROKER"])
app.conf.update(task_send_sent_event=True, worker_hijack_root_logger=False, broker_connection_retry_on_startup=True)
app.conf.update(worker_pool_restarts=True, worker_prefetch_multiplier=1)
app.conf.update(json.loads(os.environ.get("WARREN_LAB_CONF", "{}")))


class PrefixedBackend(RedisBackend):
    """Keys of results as Celery 5.3 makes them for `global_keyprefix`, which Debian's 5.2 does not know for results."""

    task_keyprefix = "shop_celery-task-meta-"


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
