"""What Celery makes of schedules, for tests to compare with.

Reads one JSON job from standard input and answers one JSON document. RedBeat itself is no Debian package, so its decoding is done here
by its documented format; the schedules, and all that they raise, are Celery's and dateutil's own.
"""
import json
import signal
import sys
from datetime import MINYEAR, datetime, timedelta, timezone
from itertools import islice

from celery import Celery
from celery.schedules import BaseSchedule, crontab, maybe_schedule, schedule
from celery.utils.time import timezone as zones
from dateutil.rrule import FREQNAMES, rrule, weekday

JOB = json.load(sys.stdin)
APP = Celery("oracle", broker="memory://", set_as_current=True)
APP.conf.timezone = JOB.get("zone", "UTC")
NOW = datetime.fromtimestamp(JOB.get("now", 1_800_000_000), tz=timezone.utc)
APP.now = lambda: NOW


class Stuck(Exception):
    """It was still at it when its time was up."""


def too_long(number, frame):
    raise Stuck("still counting")


signal.signal(signal.SIGPROF, too_long)


def attempt(make):
    """The answer, or the error by its name and words; an answer that does not come is an error too."""
    try:
        signal.setitimer(signal.ITIMER_PROF, 0.4)
        return {"ok": make()}
    except Exception as error:  # noqa: BLE001 - everything that would reach beat's loop
        return {"error": type(error).__name__, "words": str(error)[:200]}
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


class Rule(BaseSchedule):
    """A recurrence rule as a schedule, over dateutil."""

    def __init__(self, freq, dtstart=None, until=None, nowfun=None, app=None, **rest):
        super().__init__(nowfun=nowfun, app=app)
        if isinstance(freq, str):
            freq = FREQNAMES.index(freq.upper())
        self.rule = rrule(freq, dtstart=dtstart, until=until, **rest)

    def remaining_estimate(self, last_run_at):
        following = self.rule.after(last_run_at)
        return None if following is None else following - NOW

    def is_due(self, last_run_at):
        rest = self.remaining_estimate(last_run_at)
        return (rest is not None and rest.total_seconds() <= 0, None)


def moment(seconds, minutes):
    offset = timezone(timedelta(minutes=minutes)) if minutes else timezone.utc
    return datetime.fromtimestamp(seconds, tz=offset)


def decoded(entries):
    kind = entries.pop("__type__", None)
    if kind == "datetime":
        place = entries.pop("timezone", "UTC")
        if isinstance(place, str):
            zone = zones.get_timezone(place)
        else:
            zone = timezone(timedelta(seconds=place))
        return datetime(tzinfo=zone, **entries)
    if kind == "interval":
        return schedule(entries["every"], entries["relative"])
    if kind == "crontab":
        return crontab(**entries)
    if kind == "weekday":
        return weekday(**entries)
    if kind == "rrule":
        for key in ("dtstart", "until"):
            minutes = entries.pop(key + "_tz", 0)
            if entries.get(key) is not None:
                entries[key] = moment(entries[key], minutes)
        return Rule(**entries)
    if kind is not None:
        entries["__type__"] = kind
    return entries


class Entry:
    """What beat builds of a definition and a meta."""

    def __init__(self, name=None, task=None, schedule=None, args=None, kwargs=None, enabled=True, last_run_at=None,
                 total_run_count=None, options=None, relative=False):
        self.key = "redbeat:" + name
        self.task, self.args, self.kwargs, self.options = task, args, kwargs or {}, options or {}
        self.schedule = maybe_schedule(schedule, relative, app=APP)
        self.last_run_at, self.enabled = last_run_at, enabled
        self.runs = (total_run_count or 0) + 1


def loaded(definition, meta):
    content = json.loads(definition, object_hook=decoded)
    content.update(json.loads(meta, object_hook=decoded) if meta else {"last_run_at": None})
    last = content["last_run_at"]
    entry = Entry(**content)
    due = entry.schedule.is_due(last or datetime(MINYEAR, 1, 2, tzinfo=timezone.utc))[0]
    # After a run beat asks when the next one is, and it does so for every entry that runs.
    entry.schedule.remaining_estimate(NOW)
    if last is not None:
        entry.schedule.remaining_estimate(last)
    return bool(due)


def field(case):
    least = {"day_of_month": 1, "month_of_year": 1}.get(case["field"], 0)
    most = {"minute": 60, "hour": 24, "day_of_week": 7, "day_of_month": 31, "month_of_year": 12}[case["field"]]
    return sorted(int(number) for number in crontab._expand_cronspec(case["value"], most, least))


def following(case):
    """Epoch seconds of the next runs, each counted from the one before."""
    now = datetime.fromtimestamp(case["after"], tz=APP.timezone)
    times = []
    for _ in range(case["count"]):
        made = crontab(**case["crontab"], nowfun=lambda: now, app=APP)
        now = (now + made.remaining_estimate(now)).astimezone(APP.timezone)
        times.append(now.timestamp())
    return times


def occurrences(case):
    return [time.timestamp() for time in islice(json.loads(case, object_hook=decoded).rule, 3)]


json.dump(
    {
        "fields": [attempt(lambda case=case: field(case)) for case in JOB.get("fields", [])],
        "following": [attempt(lambda case=case: following(case)) for case in JOB.get("following", [])],
        "entries": [attempt(lambda case=case: loaded(*case)) for case in JOB.get("entries", [])],
        "occurrences": [attempt(lambda case=case: occurrences(case)) for case in JOB.get("occurrences", [])],
    },
    sys.stdout,
)
