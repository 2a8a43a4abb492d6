"""Runs tasks for Warren, one at a time: jobs come in as JSON lines on stdin, messages go out as JSON lines on descriptor 3.

Needs nothing but the standard library of Python 3.6 or newer. It is started by Warren in the project's folder with the
project's own interpreter, and lives for many tasks. What the tasks print or log is sent as it happens, in its order.
"""

import argparse
import collections
import importlib
import inspect
import json
import logging
import os
import signal
import sys
import threading
import time
import traceback
from importlib import machinery, util

OWN_FILE = os.path.abspath(__file__)

# Longer texts are cut, and say so.
MESSAGE_LIMIT = 64 * 1024
TRACEBACK_LIMIT = 512 * 1024
RESULT_LIMIT = 1024 * 1024

# How long changed code may go unnoticed while jobs follow each other without a pause.
CHECK_EVERY = 0.2
# A pause after which the code is always looked at again: somebody may just have mended it.
PAUSE = 0.005


def part(name):
    """Another file of this folder, loaded by its path: this folder is not where tasks come from."""
    spec = util.spec_from_file_location('warren_' + name, os.path.join(os.path.dirname(OWN_FILE), name + '.py'))
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# A module that is changed twice within a second to the same size would be loaded from the cache of its first version. And
# nothing of Warren's should stay in somebody's project.
sys.dont_write_bytecode = True
capturing = part('capture')
cut = capturing.cut


def safely(make, what, value):
    """`str` and `repr` are the task's own code, so they may fail in any way."""
    try:
        return make(value)
    except Exception as error:
        return '<{} of {} failed: {}>'.format(what, type_name(type(value)), type_name(type(error)))


def type_name(kind):
    module = getattr(kind, '__module__', None)
    name = getattr(kind, '__qualname__', None) or getattr(kind, '__name__', '?')
    if module is None or module == 'builtins':
        return str(name)
    return '{}.{}'.format(module, name)


class Channel:
    """The way to Warren. Whole lines only, written at once: what a task said before it crashed has arrived."""

    def __init__(self, descriptor):
        self.descriptor = descriptor
        self.renew_lock()
        if hasattr(os, 'register_at_fork'):
            # Another thread may hold the lock at the moment of a fork, and would hold it in the child for ever.
            os.register_at_fork(after_in_child=self.renew_lock)

    def renew_lock(self):
        self.lock = threading.RLock()

    def send(self, message):
        data = memoryview((json.dumps(message) + '\n').encode('ascii'))
        with self.lock:
            while data:
                data = data[os.write(self.descriptor, data):]


class State:
    """What this process is busy with, for those who send on its behalf."""

    def __init__(self, channel):
        self.channel = channel
        self.run = None
        # Hears every log record with its text, besides Warren.
        self.listener = None


class CodeWatch:
    """Notices when a project's module that this process has loaded is no longer what is on disk."""

    def __init__(self, project):
        self.project = os.path.join(os.path.realpath(project), '')
        self.stamps = {}
        self.seen = set()
        self.count = 0
        self.checked = 0.0

    @staticmethod
    def stamp(path):
        try:
            found = os.stat(path)
        except OSError:
            return None
        return (found.st_mtime_ns, found.st_size)

    def learn(self):
        """Remembers the state of modules that were loaded since the last call."""
        if len(sys.modules) == self.count:
            return
        self.count = len(sys.modules)
        for name, module in list(sys.modules.items()):
            if name in self.seen:
                continue
            self.seen.add(name)
            path = getattr(module, '__file__', None)
            if not isinstance(path, str):
                continue
            path = os.path.realpath(path)
            if not path.startswith(self.project) or 'site-packages' in path or path == OWN_FILE:
                continue
            self.stamps[path] = self.stamp(path)

    def changed(self, now):
        """The path of a changed module, or None."""
        self.checked = now
        for path, before in self.stamps.items():
            if self.stamp(path) != before:
                return path
        return None


class SoftTimeLimitExceeded(Exception):
    """Raised in a task that has reached its soft time limit. Tasks catch it as `warren.SoftTimeLimitExceeded`."""


def offer_own_names():
    """Lets tasks import `warren`, unless the project has a module of that name itself."""
    SoftTimeLimitExceeded.__module__ = 'warren'
    if machinery.PathFinder.find_spec('warren') is None:
        module = type(sys)('warren', 'What Warren offers to the tasks that it runs.')
        module.SoftTimeLimitExceeded = SoftTimeLimitExceeded
        sys.modules['warren'] = module


class SoftLimit:
    """Interrupts a task in the main thread, also in the middle of a sleep or a read."""

    def __init__(self):
        self.armed = False
        self.number = getattr(signal, 'SIGUSR1', None)

    def arm(self, milliseconds):
        if self.number is not None:
            # Anew for each task: one before may have set its own handler.
            signal.signal(self.number, self.raised)
        self.armed = True
        timer = threading.Timer(milliseconds / 1000.0, self.strike, (threading.main_thread().ident, milliseconds))
        timer.daemon = True
        timer.start()
        return timer

    def disarm(self, timer):
        self.armed = False
        timer.cancel()

    def raised(self, _number, _frame):
        if self.armed:
            self.armed = False
            raise SoftTimeLimitExceeded('The task ran longer than its soft time limit.')

    def strike(self, thread, milliseconds):
        if not self.armed:
            return
        logging.getLogger('warren').warning('The soft time limit of %g ms was reached.', milliseconds)
        if self.number is not None and hasattr(signal, 'pthread_kill'):
            signal.pthread_kill(thread, self.number)
        else:
            # Only between two steps of Python: a task that waits in a system call is not woken.
            import ctypes
            self.armed = False
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(SoftTimeLimitExceeded))


class FailureLog(list):
    """What a failure hook gets as `log`: the texts of the last log lines, and carrot's names for what failed."""

    def __init__(self, lines, failure):
        super().__init__(lines)
        self.uuid = failure['id']
        self.task = failure['task']
        self.queue = failure['queue']
        self.attempt = failure['attempt']
        self.status = 'FAILED'
        self.task_args = tuple(json.loads(failure['argsJson']))
        self.content = failure['kwargsJson']
        self.exception = failure['exception']['message']
        self.exception_type = failure['exception']['type']
        self.traceback = failure['traceback']
        self.log = '\n'.join(lines)


class NotFound(Exception):
    """The task's name leads nowhere; the cause says why."""


def find(name):
    """Resolves a dotted path as carrot does: everything before the last dot is a module, the rest its attribute."""
    module_name, _, attribute = name.rpartition('.')
    try:
        if not module_name:
            raise ValueError('Empty module name: {!r} has no dot, and a task is named module.function'.format(name))
        module = sys.modules.get(module_name)
        if module is None:
            # It may have been added since this process looked into its folder.
            importlib.invalidate_caches()
            __import__(module_name)
            module = sys.modules[module_name]
        return getattr(module, attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise NotFound() from error


def own_traceback(error):
    """The traceback as Python prints it, without this file's frames on top, so that the task's own code comes first."""
    trace = error.__traceback__
    while trace is not None and os.path.abspath(trace.tb_frame.f_code.co_filename) == OWN_FILE:
        trace = trace.tb_next
    try:
        return cut(''.join(traceback.format_exception(type(error), error, trace)), TRACEBACK_LIMIT)
    except Exception as failure:
        return '{}: {}\n[the traceback could not be formatted: {}]\n'.format(
            type_name(type(error)), safely(str, 'str()', error), type_name(type(failure)))


def has_own_frames(error):
    trace = error.__traceback__
    while trace is not None:
        if os.path.abspath(trace.tb_frame.f_code.co_filename) != OWN_FILE:
            return True
        trace = trace.tb_next
    return False


def describe_error(error):
    return {
        'type': type_name(type(error)),
        'message': cut(safely(str, 'str()', error), MESSAGE_LIMIT),
        'traceback': own_traceback(error),
    }


def describe_result(value):
    if value is None:
        return None
    try:
        text = json.dumps(value, ensure_ascii=False)
    except Exception:
        # Not JSON: its printed form is what a person can read.
        text = cut(safely(repr, 'repr()', value), RESULT_LIMIT)
        return {'kind': 'text', 'text': text, 'type': type_name(type(value))}
    if len(text) > RESULT_LIMIT:
        return {'kind': 'text', 'text': cut(text, RESULT_LIMIT), 'type': type_name(type(value))}
    return {'kind': 'json', 'text': text}


def wait_for_coroutine(coroutine):
    import asyncio
    # Which selector it uses is no news about a task.
    if logging.getLogger('asyncio').level == logging.NOTSET:
        logging.getLogger('asyncio').setLevel(logging.INFO)
    if hasattr(asyncio, 'run'):
        return asyncio.run(coroutine)
    loop = asyncio.new_event_loop()
    try:
        asyncio.set_event_loop(loop)
        return loop.run_until_complete(coroutine)
    finally:
        asyncio.set_event_loop(None)
        loop.close()


class Django:
    """A Django project's settings, and its database connections between tasks."""

    def __init__(self, settings_module):
        os.environ['DJANGO_SETTINGS_MODULE'] = settings_module
        import django
        django.setup()
        from django.db import close_old_connections, reset_queries
        self.close_old_connections = close_old_connections
        self.reset_queries = reset_queries

    def tidy(self):
        try:
            self.reset_queries()
            self.close_old_connections()
        except Exception:
            # The task is not to blame, but a person should see it.
            traceback.print_exc()


def carrot_rows(channel, state):
    """Keeps a django-carrot site's own rows in step."""
    rows = part('carrot_rows').CarrotRows(channel, state)
    state.listener = rows.heard
    return rows


class Jobs:
    """Jobs in the order in which they come, one line of JSON each."""

    def __init__(self, descriptor):
        self.descriptor = descriptor
        self.lines = collections.deque()
        self.pieces = []
        self.following = None

    def at_hand(self):
        """The next job where it has arrived already, or None; `take` will give the same."""
        if self.following is None and self.lines:
            self.following = json.loads(self.lines.popleft().decode('utf-8', 'surrogatepass'))
        return self.following

    def take(self):
        """The next job, waiting for it; None when there will be no more."""
        while self.at_hand() is None:
            piece = os.read(self.descriptor, 65536)
            if not piece:
                return None
            lines = piece.split(b'\n')
            rest = lines.pop()
            if lines:
                self.pieces.append(lines[0])
                lines[0] = b''.join(self.pieces)
                self.pieces = []
                self.lines.extend(lines)
            if rest:
                self.pieces.append(rest)
        job, self.following = self.following, None
        return job


def may_follow(job, before):
    """Whether a job that was handed over behind another may begin: right behind that one, and before its time is over."""
    return job['behind'] == before and time.time() * 1000 < job['until']


class Service:
    def __init__(self, project, channel, state, capture, streams, django):
        self.project = project
        self.channel = channel
        self.state = state
        self.capture = capture
        self.streams = streams
        self.django = django
        self.rows = None if django is None else carrot_rows(channel, state)
        self.result = None
        self.watch = CodeWatch(project)
        self.pid = os.getpid()
        self.soft = SoftLimit()

    def serve(self, jobs):
        self.watch.learn()
        waiting_since = time.monotonic()
        mended = False
        # The run that was over last, while jobs that were handed over behind it may begin.
        before = None
        announced = None
        while True:
            job = jobs.take()
            if job is None:
                return
            now = time.monotonic()
            if 'ping' in job:
                self.channel.send({'t': 'pong'})
                continue
            if job is not announced:
                if 'behind' in job and not may_follow(job, before):
                    before = None
                    self.channel.send({'t': 'back', 'run': job['run']})
                    continue
                if mended or now - waiting_since > PAUSE or now - self.watch.checked > CHECK_EVERY:
                    changed = self.watch.changed(now)
                    if changed is not None:
                        self.channel.send({'t': 'declined', 'run': job['run'], 'reason': changed + ' changed on disk'})
                        return
                if 'behind' in job:
                    self.channel.send({'t': 'begin', 'run': job['run']})
            announced = None
            self.capture.ensure(now)
            self.state.run = job['run']
            hook = 'hook' in job
            if self.rows is not None and not hook:
                self.rows.begin(job)
            end = self.call_hook(job) if hook else self.perform(job)
            if os.getpid() != self.pid:
                # A task forked and its child came back here: only the parent speaks for the task.
                os._exit(0)
            result, self.result = self.result, None
            if self.rows is not None and not hook:
                self.rows.finish(job, end, result)
            for stream in self.streams:
                stream.lines.end()
            self.state.run = None
            # Before Warren hears of the end: what is changed from then on is a change.
            self.watch.learn()
            # Before too: a runner that has told of the end takes the next job.
            self.restore()
            # After a failure somebody may mend its cause at once.
            mended = end['kind'] != 'returned'
            before = None if mended else job['run']
            waiting_since = time.monotonic()
            following = jobs.at_hand()
            if following is not None and 'behind' in following and may_follow(following, before) \
                    and waiting_since - self.watch.checked <= CHECK_EVERY:
                announced = following
                end['next'] = following['run']
            self.channel.send(end)

    def perform(self, job):
        end = {'t': 'end', 'run': job['run']}
        if self.django is not None:
            self.django.tidy()
        started = time.perf_counter()
        try:
            try:
                task = find(job['name'])
            except NotFound as missing:
                error = missing.__cause__
                end['kind'] = 'not-found'
                found = describe_error(error)
                if not has_own_frames(error):
                    found['traceback'] = None
                end.update(found)
                return end
            # A long task gives people time to change the code that it runs.
            self.watch.learn()
            args = json.loads(job['args'])
            kwargs = json.loads(job['kwargs'])
            if self.rows is not None:
                self.rows.started(job['name'])
            started = time.perf_counter()
            soft = job.get('soft')
            if soft is None:
                result = task(*args, **kwargs)
                if inspect.iscoroutine(result):
                    result = wait_for_coroutine(result)
            else:
                timer = self.soft.arm(soft)
                try:
                    result = task(*args, **kwargs)
                    if inspect.iscoroutine(result):
                        result = wait_for_coroutine(result)
                finally:
                    self.soft.disarm(timer)
            end['ms'] = (time.perf_counter() - started) * 1000
            end['kind'] = 'returned'
            end['result'] = describe_result(result)
            self.result = result
        except BaseException as error:  # SystemExit and KeyboardInterrupt too: the task ends, this process doesn't.
            end['ms'] = (time.perf_counter() - started) * 1000
            end['kind'] = 'raised'
            end.update(describe_error(error))
        return end

    def call_hook(self, job):
        """Calls a function as carrot calls a failure hook: with the log, and with the error as text (an exception where the
        task's name led nowhere)."""
        end = {'t': 'end', 'run': job['run']}
        started = time.perf_counter()
        try:
            failure = job['failure']
            message = failure['exception']['message']
            hook = find(job['hook'])
            result = hook(FailureLog(job['log'], failure), ImportError(message) if failure['notFound'] else message)
            if inspect.iscoroutine(result):
                wait_for_coroutine(result)
            end['kind'] = 'returned'
            end['result'] = None
        except NotFound as missing:
            end['kind'] = 'not-found'
            end.update(describe_error(missing.__cause__))
        except BaseException as error:
            end['kind'] = 'raised'
            end.update(describe_error(error))
        end['ms'] = (time.perf_counter() - started) * 1000
        return end

    def restore(self):
        """Undoes what a task may have changed for the next one."""
        sys.stdout, sys.stderr = self.streams
        try:
            moved = os.getcwd() != self.project
        except OSError:
            moved = True
        if moved:
            os.chdir(self.project)
        if self.django is not None:
            self.django.tidy()


def end_with_parent(descriptor):
    """Ends this process and all it started when Warren is gone, even in the middle of a task that never pauses."""
    import select
    if not hasattr(select, 'poll'):
        return
    poll = select.poll()
    # Without any event asked for, only a hang-up is told; jobs waiting to be read are not.
    poll.register(descriptor, 0)

    def watch():
        while True:
            for _, event in poll.poll():
                if event & (select.POLLHUP | select.POLLERR | select.POLLNVAL):
                    if os.getpgrp() == os.getpid():
                        os.killpg(os.getpid(), signal.SIGKILL)
                    os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, name='warren-parent-watch', daemon=True).start()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--project', required=True)
    parser.add_argument('--settings')
    options = parser.parse_args()

    # Jobs and messages move to descriptors that nothing a task starts inherits, and that a task won't hit by number.
    jobs_descriptor = os.dup(0)
    channel = Channel(os.dup(3))
    os.close(3)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    jobs = Jobs(jobs_descriptor)

    state = State(channel)
    streams = (
        capturing.LineWriter(capturing.LineBuffer(state, 'stdout'), 1),
        capturing.LineWriter(capturing.LineBuffer(state, 'stderr'), 2),
    )
    sys.stdout, sys.stderr = streams
    sys.stdin = open(os.devnull, 'r')

    project = os.path.abspath(options.project)
    django = None
    try:
        end_with_parent(jobs_descriptor)
        os.chdir(project)
        project = os.getcwd()
        # Python puts this file's own folder first; tasks come from the project.
        own_folder = os.path.dirname(OWN_FILE)
        sys.path[:] = [project] + [entry for entry in sys.path if entry != own_folder]
        sys.argv = [os.path.join(project, 'warren')]
        offer_own_names()
        capture = capturing.LogCapture(capturing.ChannelHandler(state))
        capture.ensure(time.monotonic())
        if options.settings:
            django = Django(options.settings)
            capture.ensure(time.monotonic())
    except BaseException as error:
        for stream in streams:
            stream.lines.end()
        found = describe_error(error)
        channel.send({
            't': 'failed', 'message': '{}: {}'.format(found['type'], found['message']), 'traceback': found['traceback'],
        })
        return 3

    channel.send({'t': 'ready', 'version': '.'.join(str(part) for part in sys.version_info[:3]), 'tasks': None})
    Service(project, channel, state, capture, streams, django).serve(jobs)
    return 0


if __name__ == '__main__':
    sys.exit(main())
