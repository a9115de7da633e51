"""Where parts are computed: for now, in this process."""

from charter.executor.base import Executor
from charter.executor.local import run_parts

__all__ = ["Executor", "run_parts"]
