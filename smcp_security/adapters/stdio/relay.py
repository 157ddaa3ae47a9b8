"""The bytes between two pipes and a conversation: one loop, which waits only where nothing can be done.

Each side is read no further while what waits for the other is large: whoever is slow slows down the other, and nobody
fills the memory. How it ends: the client closes its stdin, then the server's is closed; it has a moment to end, then
it is told to, then it is killed with all that it started.
"""

from __future__ import annotations

import logging
import select
import signal
import time
from typing import Final

from smcp_security.adapters.stdio.child import Child
from smcp_security.adapters.stdio.conversation import Conversation, Said
from smcp_security.adapters.stdio.lines import LineReader
from smcp_security.adapters.stdio.pipes import HIGH, Sink, read
from smcp_security.adapters.stdio.signals import Signals

# Official clients wait two seconds after closing our stdin, and two more after SIGTERM, before they kill us.
GRACE: Final = 1.5
"""Seconds that a server has to end by itself, and again after it was told to."""
LINGER: Final = 30.0
"""Seconds that a client that has said all it had to say may wait for answers."""
DRAIN: Final = 0.5
"""Seconds after the server's end in which what it started may still write its answers."""
FAREWELL: Final = 5.0
"""Seconds that the client may read nothing of what is left, before it counts as gone."""
HURRY: Final = 0.5
"""The same after a signal that ends us: whoever sent it kills us soon."""
_ENDING: Final = frozenset({signal.SIGTERM, signal.SIGHUP})
_BROKEN: Final = select.POLLERR | select.POLLHUP | select.POLLNVAL

_log: Final = logging.getLogger("smcp_security.stdio")


class Relay:
    """One client, one server, until the server has ended. `run` gives the exit code."""

    def __init__(
        self,
        conversation: Conversation,
        client: tuple[int, int],
        child: Child,
        signals: Signals,
        limits: tuple[int, int],
    ) -> None:
        self._conversation = conversation
        self._child = child
        self._signals = signals
        self._client_in, client_out = client
        self._to_client = Sink(client_out, blocking=True)
        self._to_server = Sink(child.stdin, blocking=False)
        self._asked, self._told = LineReader(limits[0]), LineReader(limits[1])
        self._kept = b""
        self._client_ended = self._server_ended = self._hung_up = self._silenced = False
        self._ending = _Ending(child)
        self._hurry = False
        self._lingers: float | None = None
        self._poll = select.poll()
        self._watched: dict[int, int] = {}

    def run(self) -> int:
        """Move what is said until the server has ended; its exit code."""
        while (code := self._child.code()) is None and not self._ending.over:
            self._turn()
        if code is None:
            _log.error("the server does not end, though it was killed")
        self._last_words(137 if code is None else code)
        return 137 if code is None else code

    # -- one turn ----------------------------------------------------------------------------------------------------

    def _turn(self) -> None:
        self._watch()
        for fd, event in self._poll.poll(self._patience()):
            if fd == self._signals.fd:
                self._pass_on_signals()
            elif fd == self._client_in:
                self._hear_client()
            elif fd == self._child.stdout:
                self._hear_server()
            elif event & _BROKEN:
                (self._to_client if fd == self._to_client.fd else self._to_server).close()
        self._flush()
        self._wind_up(time.monotonic())

    def _watch(self) -> None:
        """Watch what can be served now: a pipe that is not must not wake us."""
        wanted = {self._signals.fd: select.POLLIN}
        if not (self._client_ended or self._to_server.full or self._to_client.crowded or len(self._kept) >= HIGH):
            wanted[self._client_in] = select.POLLIN
        if not (self._server_ended or self._to_client.full or self._to_server.crowded):
            wanted[self._child.stdout] = select.POLLIN
        for sink in (self._to_client, self._to_server):
            # Also where nothing waits: that nobody reads there any more is told all the same.
            if not sink.gone:
                wanted[sink.fd] = select.POLLOUT if sink else 0
        if wanted == self._watched:
            return
        for fd in self._watched.keys() - wanted.keys():
            self._poll.unregister(fd)
        for fd, events in wanted.items():
            self._poll.register(fd, events)
        self._watched = wanted

    def _patience(self) -> int | None:
        """Milliseconds until something is due."""
        now = time.monotonic()
        due = [self._ending.due or self._lingers, self._conversation.given_up(now)]
        times = [each for each in due if each is not None]
        return None if not times else max(int((min(times) - now) * 1000) + 1, 0)

    def _pass_on_signals(self) -> bool:
        """Whether one of them ends a server."""
        numbers = self._signals.read()
        for number in numbers:
            self._child.signal(number)
        if ends := not _ENDING.isdisjoint(numbers):
            self._hurry = True
            self._ending.told(time.monotonic())
        return ends

    def _hear_client(self) -> None:
        data = read(self._client_in)
        if data is None:
            return
        for line in self._asked.feed(data) if data else self._asked.end():
            self._put(self._conversation.from_client(line), by_client=True)
        self._client_ended = not data

    def _hear_server(self) -> None:
        data = read(self._child.stdout)
        if data is None:
            return
        for line in self._told.feed(data) if data else self._told.end():
            if self._to_client.gone:
                break
            self._put(self._conversation.from_server(line), by_client=False)
        self._server_ended = not data

    def _put(self, said: Said, *, by_client: bool) -> None:
        self._to_server.put(said.server, own=not by_client)
        if by_client and self._conversation.within:
            # The client hears a line of the server in pieces: ours must wait for its end.
            self._kept += said.client
        else:
            self._to_client.put(said.client, own=by_client)
            if self._kept and not self._conversation.within:
                self._to_client.put(self._kept, own=True)
                self._kept = b""

    def _flush(self) -> None:
        self._to_client.flush()
        self._to_server.flush()

    # -- the end -----------------------------------------------------------------------------------------------------

    def _wind_up(self, now: float) -> None:
        """Take the next step of the end, if one is due."""
        if self._to_client.gone and not self._silenced:
            self._client_ended = self._silenced = True
            self._conversation.hung_up()
        # A server that can say or hear nothing more is as good as ended.
        over = self._server_ended or self._to_server.gone
        if over:
            self._client_ended = True
            self._to_server.close()
        if not self._client_ended:
            return self._ending.step(now)
        self._lingers = self._lingers or now + LINGER
        if not self._hung_up and not self._to_server:
            self._hung_up = True
            self._to_server.close()
            self._child.hang_up()
        heard = self._hung_up and not self._conversation.awaited
        if over or heard or self._silenced or self._lingers <= now:
            self._ending.begin(now)
        return self._ending.step(now)

    def _last_words(self, code: int) -> None:
        """What the server has said before it ended; then whoever still waits is told; then nothing of it goes on."""
        until = time.monotonic() + DRAIN
        while not self._server_ended and not self._to_client.gone and (left := until - time.monotonic()) > 0:
            self._await(self._child.stdout, select.POLLIN, left)
            self._hear_server()
            self._to_client.flush()
        if self._conversation.within:
            self._conversation.within = False
            self._to_client.put(b"\n" + self._kept)
        reason = f"The server ended with exit code {code} before it answered."
        self._put(self._conversation.closed(reason), by_client=True)
        self._child.end()
        self._take_leave()

    def _take_leave(self) -> None:
        """The client reads what is left at its own pace; a signal cuts it short."""
        self._to_client.flush()
        left, patience = len(self._to_client), HURRY if self._hurry else FAREWELL
        until = time.monotonic() + patience
        while left and (wait := until - time.monotonic()) > 0:
            if self._await(self._to_client.fd, select.POLLOUT, wait):
                return
            self._to_client.flush()
            if len(self._to_client) < left:
                left, until = len(self._to_client), time.monotonic() + patience

    def _await(self, fd: int, event: int, seconds: float) -> bool:
        """Wait for something; whether a signal came instead that ends us."""
        waiting = select.poll()
        waiting.register(fd, event)
        waiting.register(self._signals.fd, select.POLLIN)
        waiting.poll(max(int(seconds * 1000), 1))
        return self._pass_on_signals()


class _Ending:
    """The steps by which a server is made to end: asked by the end of its stdin, told by SIGTERM, killed."""

    __slots__ = ("_child", "_steps", "due", "over")

    def __init__(self, child: Child) -> None:
        self._child = child
        self._steps = [signal.SIGTERM, signal.SIGKILL]
        self.due: float | None = None
        self.over = False

    def begin(self, now: float) -> None:
        """It was asked to end."""
        if self.due is None:
            self.due = now + GRACE

    def told(self, now: float) -> None:
        """It was told to end."""
        if signal.SIGTERM in self._steps:
            self._steps.remove(signal.SIGTERM)
            self.due = now + GRACE

    def step(self, now: float) -> None:
        """Take the next step, if it is due."""
        if self.due is None or now < self.due:
            return
        self.due = now + GRACE
        if self._steps:
            self._child.signal(self._steps.pop(0))
        else:
            self.over = True
