"""A network between pgrail and a server that can be cut: Link(server) forwards a TCP port of its own to the server's.

    link.url(dbname)        through it; a dead peer is noticed within some 3 s
    link.cut("reset")       every connection that is open now is reset, at both ends
    link.cut("silence")     from now on no packet of theirs arrives at either end, not even an acknowledgement, as behind a firewall
                            that has forgotten them
    link.refuse(n)          the next n new ones are reset at once"""
import ctypes
import selectors
import socket
import struct
import threading

SO_ATTACH_FILTER = 26
DROP_ALL = struct.pack("HBBI", 0x06, 0, 0, 0)                   # one instruction of classic BPF: return 0, keep nothing of the packet
FAST = "keepalives_idle=1&keepalives_interval=1&keepalives_count=2&tcp_user_timeout=2000"


def reset(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def silence(s):
    program = ctypes.create_string_buffer(DROP_ALL)
    s.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", 1, ctypes.addressof(program)))


class Link:
    def __init__(self, server):
        self.server, self.lock, self.pairs, self.silent, self.refusals = server, threading.Lock(), {}, [], 0
        self.selector, self.ended = selectors.DefaultSelector(), False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.thread = threading.Thread(target=self.forward, daemon=True)
        self.thread.start()

    def url(self, dbname):
        return f"postgresql://postgres@127.0.0.1:{self.port}/{dbname}?{FAST}"

    def forward(self):
        while not self.ended:
            for key, _ in self.selector.select(0.05):
                with self.lock:
                    if key.fileobj is self.listener:
                        self.accept()
                    elif key.fileobj in self.pairs:             # not cut since select
                        self.pass_on(key.fileobj)

    def accept(self):
        near, _ = self.listener.accept()
        if self.refusals > 0:
            self.refusals -= 1
            reset(near)
            return
        try:
            far = socket.create_connection(("127.0.0.1", self.server.port))
        except OSError:
            reset(near)
            return
        self.pairs[near], self.pairs[far] = far, near
        for s in (near, far):
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.selector.register(s, selectors.EVENT_READ)

    def pass_on(self, s):
        try:
            data = s.recv(65536)
            if data:
                self.pairs[s].sendall(data)
                return
        except OSError:
            pass
        for end in self.drop(s):
            end.close()

    def drop(self, s):
        ends = (s, self.pairs.pop(s))
        del self.pairs[ends[1]]
        for end in ends:
            self.selector.unregister(end)
        return ends

    def cut(self, how):
        """Gives the number of connections that it cut."""
        with self.lock:
            n = len(self.pairs) // 2
            while self.pairs:
                for end in self.drop(next(iter(self.pairs))):
                    if how == "reset":
                        reset(end)
                    else:
                        silence(end)
                        self.silent.append(end)
            return n

    def refuse(self, n):
        with self.lock:
            self.refusals = n

    def close(self):
        self.ended = True
        self.thread.join()
        for s in [self.listener, *self.pairs, *self.silent]:
            s.close()
        self.selector.close()
