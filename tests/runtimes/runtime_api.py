"""The server's side of one environment: hands out events in order and records what the client posts.

Nothing is checked here. A client that closes a connection, or dies in a request, leaves what it posted until then.
"""

import collections
import http.server
import threading
import time

# `pieces`: the chunks of a streamed body, each with the time of its arrival; one piece otherwise.
Post = collections.namedtuple("Post", "path headers body pieces trailers")


class RuntimeApi:
    def __init__(self, pollers):
        """Events are handed out as soon as `pollers` requests for one wait."""
        self.changed = threading.Condition()
        self.events, self.posts = collections.deque(), []
        self.pollers, self.waiting = pollers, 0
        self.init_errors = 0
        self.over = False
        self.server = _Server(("127.0.0.1", 0), _Handler)
        self.server.api = self
        self.address = "127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def add(self, headers, body):
        with self.changed:
            self.events.append((headers, body))
            self.changed.notify_all()

    def next(self):
        """The next event, or None at the end of the case."""
        with self.changed:
            self.waiting += 1
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.over or (self.events and self.waiting >= self.pollers))
            self.waiting -= 1
            if self.over:
                return None
            self.pollers = 0  # once all workers are there, the events go to whichever asks
            self.changed.notify_all()
            return self.events.popleft()

    def record(self, post):
        """Records what was posted; whether it is refused."""
        with self.changed:
            self.posts.append(post)
            self.init_errors += post.path.endswith("init/error")
            self.changed.notify_all()
            return post.path.endswith("init/error") and self.init_errors > 1

    def is_idle(self):
        """Whether a client waits although no event is left."""
        with self.changed:
            return self.waiting > 0 and not self.events

    def outcomes(self):
        with self.changed:
            return [post for post in self.posts if "/invocation/" in post.path]

    def inits(self):
        with self.changed:
            return [post for post in self.posts if post.path.endswith("init/error")]

    def close(self):
        with self.changed:
            self.over = True
            self.changed.notify_all()
        self.server.shutdown()
        self.server.server_close()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass  # a client that died within a request; what it posted shows what matters


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, *_):
        pass

    def answer(self, status, headers, body):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value.encode("utf-8").decode("latin-1"))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def do_GET(self):
        if not self.path.endswith("/invocation/next"):
            return self.answer(200, {}, b"")
        event = self.server.api.next()
        if event is None:
            self.close_connection = True
        else:
            self.answer(200, *event)

    def do_POST(self):
        pieces, trailers = [], {}
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            while size := int(self.rfile.readline() or "0", 16):
                pieces.append((time.monotonic(), self.rfile.read(size)))
                self.rfile.readline()
            while line := self.rfile.readline().decode().strip():
                name, value = line.split(":", 1)
                trailers[name.lower()] = value.strip()
        else:
            pieces.append((time.monotonic(), self.rfile.read(int(self.headers.get("Content-Length") or 0))))
        body = b"".join(piece for _, piece in pieces)
        refused = self.server.api.record(Post(self.path, self.headers, body, pieces, trailers))
        self.answer(403 if refused else 202, {"Content-Type": "application/json"}, b'{"status":"OK"}\n')
