"""Response, critique, revision, as often as asked: the data of SL-CAI (CAI §3.1).

Rounds follow one another; within a round all prompts of a part go to the model in one batch of critiques and one of
revisions. Each round draws its principle afresh, with replacement, and sees only the latest response. Everything about
a chain follows from the prompt's id, the seed and the model, never from the part it travels in.

Departures: the paper says nothing of a text that is empty or doesn't fit the model. Here the round then keeps the
response that it found, under a hygiene flag.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from charter.constitution import draw_for_revision, principle_digest
from charter.models.base import GenerateRequest, Model
from charter.recipe import Revision as RevisionSettings
from charter.revision.hygiene import CRITIQUE_TRUNCATED, EMPTY, NO_CRITIQUE, TOO_LONG, Cleaned, examine
from charter.revision.templates import template_digest, with_examples, worked_examples
from charter.revision_form import critique_messages, revision_messages
from charter.seeds import derive_seed
from charter.types import Completion, Constitution, Message, Principle, Prompt, Revision, RevisionChain, RevisionExample


def revise(
    prompts: Sequence[Prompt],
    constitution: Constitution,
    model: Model,
    settings: RevisionSettings,
    seed: int,
    critic: Model | None = None,
) -> list[RevisionChain]:
    """One part's chains, in the order of its prompts.

    ``model`` gives the first response; ``critic`` (the same model, if there is none) criticises and revises it. Raises
    ``ConstitutionError`` if the constitution has fewer worked examples than the recipe asks for.
    """
    examples = worked_examples(constitution, settings.few_shot)
    reviser = _Reviser(constitution, critic or model, settings, seed, examples)
    firsts = replace(reviser, model=model).first_responses(prompts)
    revisions: list[tuple[Revision, ...]] = [()] * len(prompts)
    latest = [first.text for first in firsts]
    for round_index in range(1, settings.rounds + 1):
        made = reviser.next_round(prompts, latest, round_index)
        revisions = [(*earlier, revision) for earlier, revision in zip(revisions, made, strict=True)]
        latest = [revision.response.text for revision in made]
    template = template_digest(examples)
    return [
        RevisionChain(f"chain-{prompt.id}", prompt, first, rounds, template, seed)
        for prompt, first, rounds in zip(prompts, firsts, revisions, strict=True)
    ]


Reason = str
"""Why the model wasn't asked: a hygiene flag."""


@dataclass(frozen=True, slots=True)
class _Case:
    """One response to revise in one round."""

    prompt: Prompt
    response: str
    principle: Principle
    round_index: int


@dataclass(frozen=True, slots=True)
class _Reviser:
    """The steps of the loop, a batch of prompts at a time."""

    constitution: Constitution
    model: Model
    settings: RevisionSettings
    seed: int
    examples: tuple[RevisionExample, ...]

    def first_responses(self, prompts: Sequence[Prompt]) -> list[Completion]:
        """What the model says by itself; nothing, where its context has no room for an answer."""
        answers = self._ask([self._request(prompt.conversation.messages, prompt, 0, "response") for prompt in prompts])
        return [self._completion(answer) for answer in answers]

    def next_round(self, prompts: Sequence[Prompt], responses: Sequence[str], round_index: int) -> list[Revision]:
        """A critique and a revision of each of ``responses``, by a principle drawn for this prompt and round."""
        principles = [draw_for_revision(self.constitution, self.seed, prompt.id, round_index) for prompt in prompts]
        cases = [_Case(*case, round_index) for case in zip(prompts, responses, principles, strict=True)]
        critiques = self._ask([self._critique_request(case) for case in cases])
        revised = self._ask(
            [self._revision_request(case, critique) for case, critique in zip(cases, critiques, strict=True)]
        )
        return [self._revision(*made) for made in zip(cases, critiques, revised, strict=True)]

    def _critique_request(self, case: _Case) -> GenerateRequest | Reason:
        conversation = with_examples(case.prompt.conversation, self.examples)
        messages = critique_messages(conversation, case.response, case.principle.critique)
        request = self._request(messages, case.prompt, case.round_index, "critique")
        return request if case.response.strip() or request == TOO_LONG else EMPTY

    def _revision_request(self, case: _Case, critique: Completion | Reason) -> GenerateRequest | Reason:
        if not isinstance(critique, Completion):
            return critique
        if not critique.text.strip():
            return NO_CRITIQUE
        conversation, principle = with_examples(case.prompt.conversation, self.examples), case.principle
        messages = revision_messages(conversation, case.response, principle.critique, critique.text, principle.revision)
        return self._request(messages, case.prompt, case.round_index, "revision")

    def _revision(self, case: _Case, critique: Completion | Reason, revision: Completion | Reason) -> Revision:
        written = self._completion(critique)
        cut = (CRITIQUE_TRUNCATED,) if written.stop == "length" else ()
        if isinstance(revision, Completion):
            cleaned = examine(revision, case.response, written.text)
        else:
            cleaned = Cleaned(case.response, (revision,))
        return Revision(
            principle_id=case.principle.id,
            principle_digest=principle_digest(case.principle),
            critique=written,
            response=replace(self._completion(revision), text=cleaned.text),
            hygiene=(*cleaned.flags, *cut),
        )

    def _request(
        self, messages: tuple[Message, ...], prompt: Prompt, round_index: int, step: str
    ) -> GenerateRequest | Reason:
        if self.model.count_tokens(messages) + self.settings.max_tokens > self.model.context_tokens:
            return TOO_LONG
        seed = derive_seed(self.seed, "revision", prompt.id, round_index, step)
        return GenerateRequest(messages, self.settings.max_tokens, seed, self.settings.temperature)

    def _ask(self, requests: Sequence[GenerateRequest | Reason]) -> list[Completion | Reason]:
        """One call for all that can be asked; the others keep their reason."""
        asked = [request for request in requests if isinstance(request, GenerateRequest)]
        completions = iter(self.model.generate(asked) if asked else [])
        return [next(completions) if isinstance(request, GenerateRequest) else request for request in requests]

    def _completion(self, answer: Completion | Reason) -> Completion:
        """The answer; where no call was made, an empty one without cost, so that tokens add up."""
        if isinstance(answer, Completion):
            return answer
        return Completion("", tokens=0, prompt_tokens=0, stop="end", model=self.model.digest)
