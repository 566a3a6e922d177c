"""Which process a run belongs to, and whether that is still there."""

import json
import os
import socket

import psutil

PROCESS_TAG = "process"
NEAR = 1.0  # second: a start is read back as it was written


def this_process() -> str:
    """Return this process as text: host, id, and when it started, as ids are given out again."""
    started = psutil.Process().create_time()
    return json.dumps({"host": socket.gethostname(), "pid": os.getpid(), "started": started})


def is_gone(process: str) -> bool:
    """Tell whether a process of this host has ended; one of another host cannot be asked."""
    try:
        known = json.loads(process)
        host, pid, started = known["host"], int(known["pid"]), float(known["started"])
    except (ValueError, KeyError, TypeError):
        return False
    if host != socket.gethostname():
        return False
    try:
        return abs(psutil.Process(pid).create_time() - started) > NEAR
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False
