"""keeper.py FOLDER UID GID PROGRAM...: runs a server as that user until standard input ends, then stops it and removes FOLDER.
A line on standard input starts the program again, once it has ended.

The tests hold the other end of the pipe: when they end, in whatever way, nothing of theirs is left."""
import ctypes
import os
import shutil
import signal
import subprocess
import sys

PR_SET_PDEATHSIG = 1


def main():
    folder, uid, gid = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(s, signal.SIG_IGN)
    libc = ctypes.CDLL(None)

    def child():
        if os.getuid() == 0:
            os.setgroups([gid])
            os.setgid(gid)
            os.setuid(uid)
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)
        for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):        # a shell's background job has SIGINT and SIGQUIT ignored
            signal.signal(s, signal.SIG_DFL)

    def start():
        with open(os.path.join(folder, "log"), "ab") as log:
            p = subprocess.Popen(sys.argv[4:], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder, preexec_fn=child)
        print(p.pid, flush=True)
        return p

    server = start()
    for _ in sys.stdin.buffer:
        server.wait()
        server = start()
    server.send_signal(signal.SIGQUIT)
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
    shutil.rmtree(folder, ignore_errors=True)


main()
