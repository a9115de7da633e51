"""Stage 5: a judge compares two answers by a principle of the constitution (CAI §4.1)."""

from charter.feedback.counts import count_labels, label_rates
from charter.feedback.judge import Judge, Question
from charter.feedback.label import conclude, label, questions_about
from charter.feedback.logprob import LogprobJudge
from charter.feedback.templates import judge_messages, template_digest, worked_judgements

__all__ = [
    "Judge",
    "LogprobJudge",
    "Question",
    "conclude",
    "count_labels",
    "judge_messages",
    "label",
    "label_rates",
    "questions_about",
    "template_digest",
    "worked_judgements",
]
