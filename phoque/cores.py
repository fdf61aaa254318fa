"""How many cores this process may use."""

import os
from pathlib import Path


def usable_cores() -> int:
    """Cores by affinity and by the container's quota; 1 at least."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, min(cores, quota(Path("/sys/fs/cgroup"))))


def quota(cgroup: Path) -> int:
    """Whole cores of a container's quota, from `cpu.max` or `cpu.cfs_quota_us`."""
    try:
        share, period = (cgroup / "cpu.max").read_text().split()
    except (OSError, ValueError):
        share, period = _quota_v1(cgroup / "cpu")
    return max(1, int(share) // int(period)) if share.isdecimal() else 2**31


def _quota_v1(cgroup: Path) -> tuple[str, str]:
    try:
        names = ("cpu.cfs_quota_us", "cpu.cfs_period_us")
        share, period = ((cgroup / name).read_text().strip() for name in names)
    except OSError:
        return "max", "100000"
    return share, period
