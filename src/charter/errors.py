"""The tree of errors::

    CharterError                 whatever Charter itself raises
    ├── UserError                a mistake that its user can mend: one message, exit code 2, no traceback
    │   ├── RecipeError          a recipe that can't be read or does not validate
    │   ├── ConstitutionError    a constitution likewise
    │   ├── PromptError          a prompt file likewise
    │   ├── ModelError           a folder that isn't a usable model
    │   │   └── ServerError      a model server that can't be used, or refuses
    │   ├── BudgetError          the next call would spend more than the recipe allows
    │   ├── MemoError            a file that isn't a memo of calls
    │   ├── ServingError         a server that can't be started as asked
    │   ├── TrainingError        a training run that can't begin or has diverged
    │   └── RunError             a run folder that doesn't fit what is asked of it
    │       ├── FingerprintError the stage on disk was made from something else
    │       ├── DamageError      a file's digest is not the one recorded
    │       └── StorageError     the disk refused (full, read-only)
    └── InvariantError           our own broken promise: shows its traceback

A message says what is wrong, what was given, and what to do next.
"""

from __future__ import annotations


class CharterError(Exception):
    """Root of the tree."""


class UserError(CharterError):
    """A mistake that the user can mend. ``advice`` ends the message with a way on."""

    def __init__(self, problem: str, advice: str = "") -> None:
        super().__init__(f"{problem}\n  {advice}" if advice else problem)
        self.problem = problem
        self.advice = advice


class RecipeError(UserError):
    """A recipe that can't be read or doesn't validate."""


class ConstitutionError(UserError):
    """A constitution that can't be read or doesn't validate."""


class PromptError(UserError):
    """A prompt file that can't be read."""


class ModelError(UserError):
    """A folder that isn't a usable model, or a model asked for what it can't do."""


class ServerError(ModelError):
    """A server that isn't one, has another model, refuses the key, or answers with what can't be read."""


class BudgetError(UserError):
    """The next call would spend more than the recipe's budget, or the budget is below what is spent already."""


class MemoError(UserError):
    """A file that isn't a memo of calls or a ledger of spending, or can't be used as one."""


class ServingError(UserError):
    """A server that can't be started as asked (a port that is taken, a key that isn't set)."""


class TrainingError(UserError):
    """A training run that can't begin (nothing to learn from) or whose loss is no longer a number."""


class RunError(UserError):
    """A run folder that doesn't fit what is asked of it."""


class FingerprintError(RunError):
    """A stage on disk was made from other inputs than those of now."""


class DamageError(RunError):
    """A file on disk isn't what its manifest says."""


class StorageError(RunError):
    """The disk refused a write."""


class InvariantError(CharterError):
    """A promise of this code, broken by this code."""
