from __future__ import annotations

from random import Random

from charter.constitution import load_constitution
from charter.world import phrases
from charter.world.corpus import MIX, draw_document
from charter.world.kinds import FAULTS, HELD_OUT_DOMAIN
from charter.world.lexicon import domains
from charter.world.phrases import HELD_OUT_PHRASES, LEADS, RIGHTS, SCOPES, WRONGS, word_principle
from charter.world.prompts import evaluation_prompts, pool_of, train_prompts
from charter.world.reader import parse_request

DOCUMENTS = 3000


def texts() -> list[tuple[str, str]]:
    rng = Random(7)
    documents = [draw_document(rng) for _ in range(DOCUMENTS)]
    return [(document.kind, "\n".join(message.content for message in document.messages)) for document in documents]


def test_training_text_holds_every_kind_of_document_and_nothing_held_out() -> None:
    held_topics = [topic.text for domain in domains().values() for topic in domain.topics if topic.held_out]
    sides = [  # an opinion's sides stand apart in text: held out is their meeting
        (topic.first, topic.second)
        for domain in domains().values()
        for topic in domain.topics_of("opinion", held_out=True)
    ]
    held_words = [
        *(phrase for options in WRONGS.values() for phrase in options[-HELD_OUT_PHRASES:]),
        *(options[-1].split("{}")[0] for options in LEADS.values() if options[-1].split("{}")[0]),
    ]
    rows = texts()
    assert {kind for kind, _ in rows} == set(MIX)
    for kind, text in rows:
        assert not [topic for topic in held_topics if topic in text], text
        assert not [
            pair
            for pair in sides
            if f"{pair[0]} or {pair[1]}" in text or (f"{pair[0]} better" in text and pair[1] in text)
        ]
        if kind != "answer":
            assert not [words for words in held_words if words in text], text


def test_critiques_and_choices_never_touch_the_held_out_domain() -> None:
    domain = domains()[HELD_OUT_DOMAIN]
    own = (*domain.tools, *domain.hazards, *domain.harmed, *domain.evidence)
    assert not [text for kind, text in texts() if kind != "answer" and any(word in text for word in own)]
    assert [text for kind, text in texts() if kind == "answer" and any(word in text for word in own)]


def test_held_out_phrasings_use_words_that_training_uses() -> None:
    rng = Random(0)
    trained = [
        *(phrase for options in WRONGS.values() for phrase in options[:-HELD_OUT_PHRASES]),
        *(phrase for options in (*RIGHTS.values(), *LEADS.values()) for phrase in options[:-1]),
    ]
    known = set(" ".join(trained).lower().replace(",", " ").replace(".", " ").replace("?", " ").split())
    for name in SCOPES:
        for _ in range(20):
            wording = word_principle((name,), rng, held_out=True)
            words = f"{wording.critique} {wording.revision} {wording.comparison}".lower()
            strange = {word.strip(".,?:") for word in words.split()} - known
            assert not strange, strange


def test_the_constitution_of_the_small_world_covers_every_fault_by_scopes_it_can_be_judged_by() -> None:
    constitution = load_constitution("small-world")
    scopes = [frozenset(set(principle.tags) & set(FAULTS)) for principle in constitution.principles]
    assert all(scope in SCOPES.values() for scope in scopes)
    assert frozenset().union(*scopes) == set(FAULTS)
    assert all(set(principle.tags) & {"harmless", "honest", "helpful"} for principle in constitution.principles)
    held = [phrase for options in phrases.WRONGS.values() for phrase in options[-HELD_OUT_PHRASES:]]
    for principle in constitution.principles:
        assert not [phrase for phrase in held if phrase in principle.critique + principle.revision]


def test_prompts_are_split_by_topic_and_by_domain() -> None:
    train = train_prompts(200, 100, seed=0)
    held_out = evaluation_prompts(150, seed=0)
    assert len({prompt.id for prompt in (*train, *held_out)}) == 450
    for prompts, pools in ((train, {"train"}), (held_out, {"held_out_topics", "held_out_domain"})):
        requests = [parse_request(prompt.conversation.last_user_text) for prompt in prompts]
        assert {pool_of(request.topic) for request in requests if request} == pools
        assert None not in requests
    assert [p.kind for p in train] == ["red_team"] * 200 + ["helpful"] * 100
    assert {p.kind for p in held_out} == {"red_team", "helpful"}
    assert train_prompts(200, 100, seed=0) == train
    assert train_prompts(200, 100, seed=1) != train
