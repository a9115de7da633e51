"""Policies and a preference model behind HTTP: OpenAI's API for any client, rewards for OpenRLHF and verl.

It needs the extra ``serve`` (starlette, uvicorn). What is served is put together by the command line: this package
knows models, and of a preference model only that it scores (``Scorer``).
"""

from charter.serve.app import LOOPBACK, Served, make_app
from charter.serve.listening import Listening
from charter.serve.rewards import Scorer

__all__ = ["LOOPBACK", "Listening", "Scorer", "Served", "make_app"]
