"""A process that asks a server a lot behind a memo, for the test that kills it (``asking.py FOLDER URL COUNT``)."""

from __future__ import annotations

import sys
from pathlib import Path

from opened import opened, requests, settings, shared

from charter.models.memo import Memo, MemoModel


def main(folder: Path, url: str, count: int) -> None:
    model = opened(settings(url), shared(folder))
    answers = MemoModel(model, Memo(folder / "memo.sqlite"), "judge").generate(requests(count))
    (folder / "done").write_text("\n".join(answer.text for answer in answers), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
