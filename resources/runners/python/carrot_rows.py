"""Keeps a django-carrot site's own message rows in step with what Warren's runner does, so that the site's stock monitor shows it.

Loaded by `warren_runner.py` when Django settings are given; does nothing in projects without carrot's table. Started by itself
(`--project DIR --settings MODULE`) it takes commands as JSON lines, for the few things that the monitor's API cannot do.

The table is the interface: the model is found by the table's name, whatever app it belongs to, and a project that has the table
but no model gets one of ours. Nothing here ends the runner: what the database refuses is tried again for a while, then recorded.
"""

import json
import logging
import os
import threading
import time

TABLE = 'carrot_messagelog'

# A message may be in the broker before its row is committed. Seconds to wait for the row before the task runs without it; a
# row that comes later is still found when the task has ended.
WAIT = 1.0
# Seconds for which a database that refuses is asked again: before a task, and after it, when the outcome is at stake.
PATIENCE_BEFORE = 10.0
PATIENCE_AFTER = 60.0

LOG_LIMIT = 512 * 1024
OUTPUT_LIMIT = 1024 * 1024


def seconds(name, otherwise):
    """A number of seconds from the environment of the runner."""
    try:
        return max(0.0, float(os.environ[name]))
    except (KeyError, ValueError):
        return otherwise


def storable(text):
    """Text that every database takes: no NUL, no half characters."""
    if text is None:
        return None
    return text.replace('\x00', '\\x00').encode('utf-8', 'backslashreplace').decode('utf-8')


def cut(text, limit):
    if len(text) <= limit:
        return text
    return text[:limit] + '\n[cut: {} characters in all]'.format(len(text))


def stamp(parts, fraction):
    return '{},{:03d}'.format(time.strftime('%Y-%m-%d %H:%M:%S', parts), int(fraction * 1000) % 1000)


class RowLog:
    """A task's log as carrot lays it out: its own first and last line in UTC, the others in the project's zone."""

    def __init__(self, thread):
        self.thread = thread
        self.lines = []
        self.size = 0
        self.left_out = 0

    def put(self, when, level, text):
        line = '{:<10} {} {}:: {}'.format(self.thread, when, level, text)
        if self.size + len(line) > LOG_LIMIT:
            self.left_out += 1
            return
        self.size += len(line) + 1
        self.lines.append(line)

    def own(self, text):
        now = time.time()
        self.put(stamp(time.gmtime(now), now % 1), 'INFO', text)

    def record(self, record, text):
        # carrot keeps what its own logger gets. Other loggers speak from INFO on, so that a library's chatter doesn't fill the row.
        name = str(record.name)
        if record.levelno < logging.INFO and name != 'carrot' and not name.startswith('carrot.'):
            return
        self.put(stamp(time.localtime(record.created), record.created % 1), record.levelname, text)

    def text(self):
        lines = list(self.lines)
        if self.left_out:
            lines.append('[{} more lines are in the history of Warren only]'.format(self.left_out))
        return '\n'.join(lines) if lines else None


def own_model():
    """A model for a table that no app of the project claims."""
    from django.db import models

    def text(length=None):
        return models.CharField(max_length=length, null=True) if length else models.TextField(null=True)

    class Meta:
        managed = False
        db_table = TABLE
        app_label = 'warren_carrot_rows'

    return type('MessageLog', (models.Model,), {
        '__module__': __name__,
        'Meta': Meta,
        'id': models.AutoField(primary_key=True),
        'status': models.CharField(max_length=11),
        'exchange': text(200),
        'queue': text(200),
        'routing_key': text(200),
        'uuid': models.CharField(max_length=200),
        'priority': models.PositiveIntegerField(default=0),
        'task': models.CharField(max_length=200),
        'task_args': text(),
        'content': text(),
        'exception': text(),
        'traceback': text(),
        'output': text(),
        'log': text(),
        'publish_time': models.DateTimeField(null=True),
        'failure_time': models.DateTimeField(null=True),
        'completion_time': models.DateTimeField(null=True),
    })


def find_table():
    """The model of carrot's message table and the alias of its database, or None when the project has no such table."""
    from django.apps import apps
    from django.db import connections, router
    for model in apps.get_models():
        if model._meta.db_table == TABLE:
            return model, router.db_for_write(model)
    for alias in connections:
        if TABLE in connections[alias].introspection.table_names():
            return own_model(), alias
    return None


class Quiet:
    """Keeps the project's SQL log, where it is on, from telling of our statements as if they were the task's."""

    def __enter__(self):
        self.thread = threading.get_ident()
        self.logger = logging.getLogger('django.db.backends')
        self.logger.addFilter(self)
        return self

    def __exit__(self, *_error):
        self.logger.removeFilter(self)

    def filter(self, _record):
        return threading.get_ident() != self.thread


class Table:
    """carrot's table in one database, asked again while the database refuses."""

    def __init__(self, model, alias):
        self.model = model
        self.alias = alias
        self.names = {field.column: field.attname for field in model._meta.concrete_fields}

    def rows(self):
        return self.model._base_manager.using(self.alias)

    def fields(self, **columns):
        return {self.names[column]: value for column, value in columns.items() if column in self.names}

    def trying(self, work, patience):
        """Does `work` until the database lets it; after `patience` seconds its error goes to the caller."""
        from django.db import InterfaceError, OperationalError
        end = time.monotonic() + patience
        pause = 0.05
        with Quiet():
            while True:
                try:
                    return work()
                except (InterfaceError, OperationalError):
                    self.reconnect()
                    if time.monotonic() >= end:
                        raise
                time.sleep(pause)
                pause = min(1.0, pause * 2)

    def reconnect(self):
        from django.db import close_old_connections, connections
        try:
            close_old_connections()
            connection = connections[self.alias]
            if not connection.in_atomic_block:
                connection.close()
        except Exception:
            # It is as closed as it gets; the next statement opens a new one or fails in its own words.
            logging.getLogger('warren.carrot').debug('closing a connection failed', exc_info=True)

    def find(self, uuid, patience):
        names = self.fields(status='status')
        return self.trying(
            lambda: list(self.rows().filter(**self.fields(uuid=uuid)).values_list('pk', *names)), patience)


class CarrotRows:
    """What the runner calls: `begin` before a task, `heard` for each log record, `finish` after it. None of them raises."""

    def __init__(self, channel, state):
        self.channel = channel
        self.state = state
        self.table = None
        self.known = False
        self.wait = seconds('WARREN_CARROT_WAIT', WAIT)
        self.uuid = None
        # The first message of a task that is tried again: its row is the only one the site has.
        self.origin = None
        self.found = 0
        self.log = None

    def note(self, level, text):
        """Tells Warren's history."""
        self.channel.send({
            't': 'log', 'run': self.state.run, 'at': int(time.time() * 1000), 'level': level, 'logger': 'warren.carrot',
            'text': cut(text, 4000),
        })

    def look_for_table(self):
        if self.known:
            return
        with Quiet():
            found = find_table()
        self.known = True
        if found is not None:
            self.table = Table(*found)

    def begin(self, job):
        self.uuid = None
        self.log = None
        self.found = 0
        try:
            self.look_for_table()
            if self.table is None or not job.get('id'):
                return
            self.uuid = job['id']
            self.origin = job.get('origin')
            self.log = RowLog('{}-warren-{}'.format(job.get('queue') or 'queue', os.getpid()))
            self.take_up()
        except Exception as error:
            self.note('warning', 'The row of this task could not be set to IN_PROGRESS: {}: {}. The task runs all the same.'.format(
                type(error).__name__, error))

    def take_up(self):
        if self.origin and self.origin != self.uuid and self.reopen():
            return
        end = time.monotonic() + self.wait
        rows = self.table.find(self.uuid, PATIENCE_BEFORE)
        while not rows and time.monotonic() < end:
            time.sleep(min(0.1, self.wait))
            rows = self.table.find(self.uuid, PATIENCE_BEFORE)
        self.found = len(rows)
        if not rows:
            self.note('warning', 'The site has no row for message {} (waited {:g} s). The task runs all the same; only '
                      'Warren keeps its outcome.'.format(self.uuid, self.wait))
            return
        if len(rows) > 1:
            numbers = ', '.join(str(pk) for pk, _ in rows[:20])
            self.note('warning', '{} rows of the site have the message id {} (numbers {}). All of them are kept in step.'.format(
                len(rows), self.uuid, numbers))
        for pk, status in rows[:20]:
            if status == 'IN_PROGRESS':
                self.note('info', 'Row {} was in progress already: an earlier run of this message did not end it.'.format(pk))
            elif status != 'PUBLISHED':
                self.note('warning', 'Row {} has ended already ({}) and keeps what it says.'.format(pk, status))
        chosen = self.table.fields(uuid=self.uuid, status='PUBLISHED')
        self.table.trying(
            lambda: self.table.rows().filter(**chosen).update(**self.table.fields(status='IN_PROGRESS')), PATIENCE_BEFORE)

    def reopen(self):
        """A retry has a message of its own and no row: the row of the task's first message tells of it instead."""
        if self.table.find(self.uuid, PATIENCE_BEFORE) or not self.table.find(self.origin, PATIENCE_BEFORE):
            return False
        chosen = self.table.fields(uuid=self.origin)
        fresh = self.table.fields(status='IN_PROGRESS', failure_time=None, exception=None, traceback=None)
        self.found = self.table.trying(
            lambda: self.table.rows().filter(**chosen).exclude(**self.table.fields(status='COMPLETED')).update(**fresh),
            PATIENCE_BEFORE)
        self.uuid = self.origin
        if not self.found:
            self.note('info', 'This run has no row of its own, and the row of the first message {} has completed: it keeps '
                      'what it says.'.format(self.origin))
        return True

    def started(self, name):
        """The task's callable was found, and runs now."""
        if self.log is not None:
            self.log.own('Starting task {}'.format(name))

    def heard(self, record, text):
        if self.log is not None:
            self.log.record(record, text)

    def finish(self, job, end, result):
        """`end` as it goes to Warren, `result` as the task returned it."""
        log, self.log = self.log, None
        if log is None or self.table is None or self.uuid is None:
            return
        try:
            columns = self.outcome(job, end, result, log)
            self.leave_transaction()
            changed = self.write(columns)
            if changed == 0 and self.found:
                self.note('info', 'No row of message {} waited for its outcome any more: it was deleted, requeued or ended '
                          'meanwhile.'.format(self.uuid))
            elif changed and not self.found:
                self.note('info', 'The row of message {} appeared while the task ran and has its outcome now.'.format(self.uuid))
        except Exception as error:
            self.note('error', 'The outcome could not be written to the row of message {}: {}: {}. The row stays IN_PROGRESS; '
                      'Warren has the outcome.'.format(self.uuid, type(error).__name__, error))

    def leave_transaction(self):
        """The outcome must not hang on a transaction that the task left open."""
        from django.db import close_old_connections, connections
        connection = connections[self.table.alias]
        if connection.in_atomic_block:
            self.note('warning', 'The task left a transaction open; it is rolled back.')
            connection.in_atomic_block = False
            connection.savepoint_ids = []
            connection.needs_rollback = False
            connection.close()
        close_old_connections()

    def outcome(self, job, end, result, log):
        from django.utils import timezone
        if end['kind'] == 'returned':
            text = self.printed(repr, result)
            log.own('Task {} completed successfully with response {}'.format(job['name'], cut(text, 4000)))
            return {
                'status': 'COMPLETED', 'completion_time': timezone.now(), 'output': storable(self.output(result)),
                'log': storable(log.text()),
            }
        return {
            'status': 'FAILED', 'failure_time': timezone.now(), 'exception': storable(end.get('message')),
            'traceback': storable(end.get('traceback')), 'log': storable(log.text()),
        }

    def output(self, result):
        if result is None:
            return None
        if isinstance(result, dict):
            try:
                return cut(json.dumps(result), OUTPUT_LIMIT)
            except Exception as error:
                # carrot calls such a task failed. It has done its work, so its printed form is kept instead.
                self.note('info', 'The result is no JSON ({}); the row keeps its printed form.'.format(error))
        return cut(self.printed(str, result), OUTPUT_LIMIT)

    @staticmethod
    def printed(make, value):
        """`str` and `repr` are the task's own code, so they may fail in any way."""
        try:
            return make(value)
        except Exception as error:
            return '<{} of the result failed: {}>'.format(make.__name__, type(error).__name__)

    def write(self, columns):
        open_states = ('PUBLISHED', 'IN_PROGRESS')
        chosen = {self.table.names['uuid']: self.uuid, self.table.names['status'] + '__in': open_states}
        told = []

        def update():
            try:
                return self.table.rows().filter(**chosen).update(**self.table.fields(**columns))
            except Exception as error:
                if not told:
                    told.append(True)
                    self.note('warning', "The site's database refuses the outcome, it is tried again: {}: {}".format(
                        type(error).__name__, error))
                raise

        return self.table.trying(update, seconds('WARREN_CARROT_PATIENCE', PATIENCE_AFTER))


def serve(table, requests, answers):
    """Commands as JSON lines. Each is answered by one line, with `ok` or `error`."""
    from django.utils import timezone
    for line in requests:
        try:
            request = json.loads(line)
            what = request['do']
            if table is None:
                answer = {'error': 'The project has no table {}.'.format(TABLE)}
            elif what == 'check':
                answer = {'ok': True, 'rows': table.trying(lambda: table.rows().count(), 5.0), 'database': table.alias}
            elif what == 'insert':
                columns = {key: request['row'].get(key) for key in (
                    'uuid', 'task', 'queue', 'exchange', 'routing_key', 'priority', 'task_args', 'content')}
                fields = table.fields(status='PUBLISHED', publish_time=timezone.now(), **columns)
                answer = {'ok': True, 'id': table.trying(lambda: table.rows().create(**fields).pk, 10.0)}
            elif what == 'remove':
                chosen = table.fields(id=request['id'], uuid=request['uuid'], status='PUBLISHED')
                answer = {'ok': True, 'removed': table.trying(lambda: table.rows().filter(**chosen).delete()[0], 10.0)}
            else:
                answer = {'error': 'There is no command {}.'.format(what)}
        except Exception as error:
            answer = {'error': '{}: {}'.format(type(error).__name__, error)}
        answers.write(json.dumps(answer) + '\n')
        answers.flush()


def main():
    import argparse
    import sys
    parser = argparse.ArgumentParser()
    parser.add_argument('--project', required=True)
    parser.add_argument('--settings', required=True)
    options = parser.parse_args()
    # What the project prints while it loads must not be taken for an answer.
    answers = os.fdopen(os.dup(1), 'w')
    os.dup2(2, 1)
    project = os.path.abspath(options.project)
    os.chdir(project)
    own_folder = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [project] + [entry for entry in sys.path if entry != own_folder]
    os.environ['DJANGO_SETTINGS_MODULE'] = options.settings
    try:
        import django
        django.setup()
        found = find_table()
    except BaseException as error:
        answers.write(json.dumps({'error': '{}: {}'.format(type(error).__name__, error)}) + '\n')
        answers.flush()
        return 3
    answers.write(json.dumps({'ok': True, 'table': found is not None, 'django': django.get_version()}) + '\n')
    answers.flush()
    serve(None if found is None else Table(*found), sys.stdin, answers)
    return 0


if __name__ == '__main__':
    import sys
    sys.exit(main())
