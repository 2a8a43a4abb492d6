"""What tasks print and log, on its way to Warren: streams that stand in for Python's own, and a handler for all loggers."""

import codecs
import io
import logging
import os
import re
import threading
import time

# One line of output longer than this is sent in pieces, so that no single message grows without bound.
LINE_LIMIT = 32000
# Longer records are cut, and say so.
RECORD_LIMIT = 256 * 1024

LINE_END = re.compile('\r\n|\n|\r')


def cut(text, limit):
    if len(text) <= limit:
        return text
    return text[:limit] + '\n[cut: {} characters in all]'.format(len(text))


class LineBuffer:
    """Turns pieces of text into lines. A carriage return ends a line too, so that progress bars show."""

    def __init__(self, state, source):
        self.state = state
        self.source = source
        self.rest = ''
        self.renew_lock()
        if hasattr(os, 'register_at_fork'):
            os.register_at_fork(after_in_child=self.renew_lock)

    def renew_lock(self):
        self.lock = threading.RLock()

    def add(self, text):
        with self.lock:
            text = self.rest + text
            self.rest = ''
            position = 0
            for match in LINE_END.finditer(text):
                if match.end() == len(text) and match.group() == '\r':
                    break  # The other half of a "\r\n" may follow.
                self.emit(text[position:match.start()])
                position = match.end()
            rest = text[position:]
            while len(rest) > LINE_LIMIT:
                self.emit(rest[:LINE_LIMIT])
                rest = rest[LINE_LIMIT:]
            self.rest = rest

    def end(self):
        with self.lock:
            rest, self.rest = self.rest, ''
            if rest:
                self.emit(rest[:-1] if rest.endswith('\r') else rest)

    def emit(self, line):
        while True:
            self.state.channel.send({
                't': 'out', 'run': self.state.run, 'at': int(time.time() * 1000), 'source': self.source,
                'text': line[:LINE_LIMIT],
            })
            line = line[LINE_LIMIT:]
            if not line:
                return


class ByteWriter(io.RawIOBase):
    """`sys.stdout.buffer`: bytes join the same lines as text. What is not UTF-8 shows as escapes."""

    def __init__(self, lines):
        super().__init__()
        self.lines = lines
        self.decoder = codecs.getincrementaldecoder('utf-8')('backslashreplace')

    def writable(self):
        return True

    def write(self, data):
        data = bytes(data)
        self.lines.add(self.decoder.decode(data))
        return len(data)

    def flush(self):
        pass

    def close(self):
        pass


class LineWriter(io.TextIOBase):
    """Stands in for `sys.stdout` and `sys.stderr`."""

    def __init__(self, lines, descriptor):
        super().__init__()
        self.lines = lines
        self.number = descriptor
        self.bytes_writer = ByteWriter(lines)

    @property
    def buffer(self):
        return self.bytes_writer

    @property
    def encoding(self):
        return 'utf-8'

    @property
    def errors(self):
        return 'backslashreplace'

    def writable(self):
        return True

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError('write() argument must be str, not {}'.format(type(text).__name__))
        self.lines.add(text)
        return len(text)

    def flush(self):
        pass

    def isatty(self):
        return False

    def fileno(self):
        # A child process that is given this stream writes to the real descriptor, which Warren reads too.
        return self.number

    def reconfigure(self, **_options):
        pass

    def close(self):
        # A task that closes its output must not silence the next task's.
        pass


LEVELS = ((logging.CRITICAL, 'critical'), (logging.ERROR, 'error'), (logging.WARNING, 'warning'), (logging.INFO, 'info'))


class ChannelHandler(logging.Handler):
    """Sends every record with its level, logger and time."""

    def __init__(self, state):
        super().__init__(logging.NOTSET)
        self.state = state
        self.setFormatter(logging.Formatter('%(message)s'))

    def emit(self, record):
        try:
            text = self.format(record)
            level = 'debug'
            for number, name in LEVELS:
                if record.levelno >= number:
                    level = name
                    break
            self.state.channel.send({
                't': 'log', 'run': self.state.run, 'at': int(record.created * 1000), 'level': level,
                'logger': str(record.name), 'text': cut(text, RECORD_LIMIT),
            })
            if self.state.listener is not None:
                self.state.listener(record, text)
        except Exception:
            self.handleError(record)


class LogCapture:
    """Keeps the handler where records pass, whatever the project's own logging configuration does meanwhile."""

    def __init__(self, handler):
        self.handler = handler
        self.known = -1
        self.renewed = 0.0

    def ensure(self, now):
        root = logging.getLogger()
        if self.handler not in root.handlers:
            root.addHandler(self.handler)
            self.known = -1
        if root.level == logging.WARNING:
            # Python's default, under which `info` lines would be lost. A level that the project chose is kept.
            root.setLevel(logging.DEBUG)
        loggers = logging.Logger.manager.loggerDict
        if len(loggers) == self.known and now - self.renewed < 1.0:
            return
        self.known = len(loggers)
        self.renewed = now
        for logger in list(loggers.values()):
            # Records of a logger that doesn't propagate never reach the root.
            if isinstance(logger, logging.Logger) and not logger.propagate and self.handler not in logger.handlers:
                logger.addHandler(self.handler)
