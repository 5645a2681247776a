"""Starting the user's processes, and finding all that came of them."""

from __future__ import annotations

import os

from lazur.runtime.system import die_with_parent

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
else:
    import _signal as signal

_KILL = 9
_HANDLED = (1, 2, 13, 15, 17, 20, 25)
"""HUP INT PIPE TERM CHLD (two systems' numbers) XFSZ: those that Python or the supervisor treats
in its own way."""


class Command:
    """One process to start: rank, argv, environment, working directory and log. One that `serves`
    the others never ends by itself: it is ended after them, and how is of no account."""

    def __init__(
        self,
        rank: int,
        argv: list[str],
        env: dict[str, str],
        cwd: str,
        log: str,
        serves: bool = False,
    ) -> None:
        self.serves = serves
        self.rank = rank
        self.argv = argv
        self.env = env
        self.cwd = cwd
        self.log = log
        self.sink: int | None = None
        """What takes its output instead of the log."""


def start(command: Command, umask: int, group: str | None) -> int:
    """Fork and exec; returns the pid. A failure to exec is a line in the log and status 126.
    `group` is a cgroup's folder that the process enters before it becomes the user's."""
    log = _opened(command)
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            _become(command, log, umask, group, parent)
        except BaseException as error:  # noqa: BLE001  # this process must never return
            os.write(
                log,
                ("lazur: the command cannot be started: %s\n" % error).encode("utf-8", "replace"),
            )
        finally:
            os._exit(126)
    os.close(log)
    return pid


def descendants(root: int) -> list[int]:
    """All living processes below `root`. Empty where there is no /proc."""
    children: dict[int, list[int]] = {}
    for pid, parent in _parents():
        children.setdefault(parent, []).append(pid)
    found: list[int] = []
    todo = [root]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return found


def _opened(command: Command) -> int:
    if command.sink is not None:
        return command.sink
    return os.open(command.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)


def _become(command: Command, log: int, umask: int, group: str | None, parent: int) -> None:
    os.setsid()
    die_with_parent(_KILL)
    if os.getppid() != parent:
        os._exit(126)
    if group:
        _enter(group)
    null = os.open("/dev/null", os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.umask(umask)
    os.chdir(command.cwd)
    for number in _HANDLED:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.execve(command.argv[0], command.argv, command.env)  # noqa: S606


def _enter(group: str) -> None:
    fd = os.open(group + "/cgroup.procs", os.O_WRONLY)
    os.write(fd, b"0")
    os.close(fd)


def _parents() -> list[tuple[int, int]]:
    """(pid, parent) of every process that has not ended."""
    found: list[tuple[int, int]] = []
    try:
        names = os.listdir("/proc")
    except OSError:
        return found
    for name in names:
        if not name.isdigit():
            continue
        try:
            with open("/proc/" + name + "/stat", "rb", buffering=0) as file:
                fields = file.read().rpartition(b")")[2].split()
        except OSError:  # it ended meanwhile
            continue
        if fields and fields[0] not in (b"Z", b"X"):
            found.append((int(name), int(fields[1])))
    return found
