"""Where parts are computed: in this process, or in several on this machine's cores."""

from charter.executor.base import Executor, Opener, Parts
from charter.executor.local import InProcess
from charter.executor.processes import Processes

__all__ = ["Executor", "InProcess", "Opener", "Parts", "Processes"]
