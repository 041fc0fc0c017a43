"""Where the benchmarks run: the environments, the variables of their processes, the machine and its versions."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[1]

PYTHON = Path(sys.executable)
"""Of the environment that has this project."""

PEER_PYTHON = ROOT / ".venv-bench-kedro-mlflow" / "bin" / "python"
"""Of the environment that has kedro-mlflow, and nothing of this project."""

_LEFT_OUT = ("MLFLOW_TRACKING_URI", "PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONSTARTUP")
"""Variables that would have a process use another store or other code, or compile all it imports anew."""


def environment() -> dict[str, str]:
    """Give the environment variables of a measured process."""
    kept = {name: value for name, value in os.environ.items() if name not in _LEFT_OUT}
    return {
        **kept,
        # `mlflow models serve` starts its server by name.
        "PATH": f"{PYTHON.parent}{os.pathsep}{kept.get('PATH', os.defpath)}",
        "KEDRO_DISABLE_TELEMETRY": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        # A server would start ten more processes, which nobody asks anything.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }


def versions() -> dict[str, str]:
    """Give the versions of what is measured, by name."""
    names = ("kedro-autolog-pipeline", "kedro", "mlflow", "pandas", "scikit-learn")
    return {"Python": platform.python_version(), **{name: version(name) for name in names}}


def peer_versions() -> dict[str, str]:
    """Give the version of kedro-mlflow in its environment, by name."""
    asked = "from importlib.metadata import version; print(version('kedro-mlflow'))"
    answer = subprocess.run([str(PEER_PYTHON), "-c", asked], capture_output=True, text=True, check=True)
    return {"kedro-mlflow": answer.stdout.strip()}


def machine() -> str:
    """Describe the machine in a phrase."""
    return f"{os.cpu_count()} x {_processor()}, {_memory_gib():.0f} GiB, {platform.system()} {platform.release()}"


def _processor() -> str:
    # platform.processor() is empty on most Linux.
    information = Path("/proc/cpuinfo")
    lines = information.read_text(encoding="utf-8").splitlines() if information.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def load() -> str:
    """Tell how many processes wanted to run in the last minute: what this one does, and what disturbs it."""
    return f"{os.getloadavg()[0]:.1f}"
