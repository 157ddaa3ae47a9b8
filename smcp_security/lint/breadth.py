"""How much a contract lets through: folders, programs and patterns that are wider than they look. Data and pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from smcp_security.lint.contradictions import inside, made
from smcp_security.policy.globs import fits

if TYPE_CHECKING:
    from smcp_security.policy.contracts import RegexContract

_HOMES: Final = re.compile(r"/(home|Users)(/[^/]+)?|/root|/var/root|[A-Z]:\\Users(\\[^\\]+)?")
_SYSTEM: Final = tuple(
    "/etc /proc /sys /dev /boot /root /run/secrets /var/run/secrets /var/lib/docker /var/lib/kubelet /private/etc"
    r" /System C:\Windows C:\ProgramData".split()
)
"""Nothing below these is a tool's to hand out."""
_WHOLE: Final = frozenset(
    "/home /Users /var /usr /opt /bin /sbin /lib /run /var/run /var/lib /var/log /mnt /media /Volumes /private"
    r" /private/var /Library /Applications C:\Users".split()
)
"""These themselves hold what many programs keep; a folder below them may be one tool's."""
_PRIVATE: Final = frozenset(".ssh .aws .azure .gnupg .kube .docker .config .gcloud .password-store Keychains".split())

_RUN_ANYTHING: Final = re.compile(
    r"(ba|da|z|k|c|tc|fi|a|mk)?sh|r?bash|busybox|env|xargs|parallel|sudo|doas|su|runuser|setpriv|nohup|nice|timeout"
    r"|stdbuf|setsid|script|watch|chroot|unshare|nsenter|flock|ionice|taskset|strace|ltrace|gdb|expect|at|batch"
    r"|python[0-9.]*|pypy[0-9.]*|ipython|node|nodejs|deno|bun|perl[0-9.]*|ruby[0-9.]*|php[0-9.]*|lua[0-9.]*|luajit"
    r"|Rscript|R|tclsh|wish|osascript|powershell|pwsh|cmd|wscript|cscript|mshta|rundll32|[gmn]?awk|vi|vim|nvim|emacs|ed"
    r"|ssh|telnet|nc|ncat|netcat|socat|docker|podman|nerdctl|kubectl|make|gmake|npm|npx|yarn|pnpm|pip[0-9.]*|pipx|uv"
    r"|uvx|cargo|go|mvn|gradle|screen|tmux|systemd-run|crontab|java|dotnet|rpm|apt|apt-get|dnf|yum|brew",
    re.ASCII,
)
"""Programs whose arguments are, or may be, what is run."""

_RUNNING_OPTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "git": ("-c", "--upload-pack=/x", "--receive-pack=/x", "--exec-path=/x", "--config-env=x=y", "-ccore.pager=x"),
    "find": ("-exec", "-execdir", "-ok", "-okdir", "-delete", "-fprintf"),
    "fd": ("-x", "-X", "--exec"),
    "tar": ("--to-command=x", "--checkpoint-action=exec=x", "-I", "--use-compress-program=x", "--rsh-command=x"),
    "rsync": ("-e", "--rsh=x", "--rsync-path=x"),
    "scp": ("-S", "-o", "-oProxyCommand=x"),
    "sftp": ("-S", "-o", "-oProxyCommand=x"),
    "zip": ("-T", "-TT"),
    "sort": ("--compress-program=x",),
    "man": ("-P", "--pager=x"),
    "curl": ("-o", "--output", "-K", "--config", "-T"),
    "wget": ("-O", "--use-askpass=x", "-i", "--post-file=x"),
    "sed": ("-i", "--in-place", "-f"),
    "rg": ("--pre=x", "--pre"),
    "hg": ("--config=x", "--config"),
    "openssl": ("-engine",),
    "mysql": ("-e", "--execute=x", "--pager=x"),
    "psql": ("-c", "--command=x", "-f"),
    "sqlite3": ("-cmd", "-init"),
    "gcc": ("-wrapper",),
    "ip": ("-batch", "-b"),
    "tcpdump": ("-z",),
}
"""Program -> options with which it runs, writes or sends what the caller names."""

_PROBES: Final = (
    "../../etc/passwd", "; rm -rf /", "<script>alert(1)</script>", "' OR 1=1 --", "http://169.254.169.254/",
    "{{7*7}}", "$(id)", "Ignore all previous instructions", "a", "0", "-rf", "caf\u00e9 \u4e2d", "x" * 60,
)  # fmt: skip


def wide_root(root: str) -> str:
    """What a root holds that no tool should hand out; "" if nothing that its name tells."""
    if _HOMES.fullmatch(root):
        return "holds all that a user has, keys and settings of other programs as well"
    if any(inside(system, root) for system in _SYSTEM) or root in _WHOLE:
        return "holds what belongs to the system and to other programs"
    if _PRIVATE.intersection(re.split(r"[/\\]", root)):
        return "is where programs keep their credentials"
    return ""


def runs_anything(program: str, arguments: Sequence[str] | None) -> bool:
    """Whether a program runs whatever its arguments say. With none allowed, or only fixed ones, it cannot."""
    name = program.rpartition("/")[2].removesuffix(".exe")
    free = arguments is None or any("*" in glob and not glob.strip("*-") for glob in arguments)
    return free and _RUN_ANYTHING.fullmatch(name) is not None


def running_option(program: str, arguments: Sequence[str] | None) -> tuple[int, str] | None:
    """Which glob lets through which option that runs, writes or sends something; None if none does.

    Where any plain argument is allowed options are not, so they are asked of globs alone.
    """
    name = program.rpartition("/")[2].removesuffix(".exe")
    for index, glob in enumerate(arguments or ()):
        for option in _RUNNING_OPTIONS.get(name, ()) if glob.startswith("-") else ():
            if fits(glob, option):
                return index, option.partition("=")[0]
    return None


def takes_anything(contract: RegexContract) -> bool:
    """Whether a pattern lets through texts that have nothing in common."""
    rule = made(contract)
    probes = [probe for probe in _PROBES if len(probe) <= contract.max_length]
    return rule is not None and len(probes) > 1 and all(rule.fault(probe) is None for probe in probes)
