"""The functional suite is well-formed, its measures are right, and the shipped bundle has not become worse on it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import typer
from sklearn.metrics import roc_auc_score
from typer.testing import CliRunner

from moderation import Comment, Moderator
from moderation.cli.functional import functional
from moderation.errors import InputError
from moderation.evaluation.functional import (
    Case,
    Function,
    FunctionResult,
    TermResult,
    accuracy,
    identity_terms,
    measure,
    measure_suite,
    read_functions,
)
from moderation.evaluation.plan import FunctionalReach

CASES = Path(__file__).parent / "cases"

LISTS = """
[joined]
who = ["singer", "painter"]
[lists]
singer = [{ term = "Ella", many = "Ellas" }, { term = "Nina", many = "Ninas" }]
painter = [{ term = "Frida", many = "Fridas" }]
town = ["Ulm", "Rome", "Lima"]
"""
FUNCTIONS = """
[praise]
label = "insult"
meaning = "Praises someone."
fillings = 2
negative = ["Well done, {who}.", "{who.many} are welcome in {town}."]
"""


def put(folder: Path, functions: str = FUNCTIONS, lists: str = LISTS) -> Path:
    (folder / "lists.toml").write_text(lists, encoding="utf-8")
    (folder / "praise.toml").write_text(functions, encoding="utf-8")
    return folder


def texts(folder: Path) -> list[str]:
    return [case.text for function in read_functions(folder) for case in function.cases]


@pytest.fixture(scope="module")
def functions() -> list[Function]:
    return read_functions(CASES)


@pytest.fixture(scope="module")
def results(moderator: Moderator, functions: list[Function]) -> dict[str, FunctionResult]:
    return {result.name: result for result in measure(moderator, functions)}


@pytest.fixture(scope="module")
def terms(moderator: Moderator) -> dict[str, TermResult]:
    return {result.term: result for result in identity_terms(moderator, CASES).terms}


# --- the suite


def test_the_suite_is_large(functions: list[Function]) -> None:
    assert len(functions) >= 40
    assert sum(len(function.cases) for function in functions) >= 1200


def test_no_sentence_stands_twice_but_for_case_and_blanks(functions: list[Function]) -> None:
    found = [" ".join(case.text.casefold().split()) for function in functions for case in function.cases]

    assert [text for text in set(found) if found.count(text) > 1] == []


def test_every_function_has_a_meaning_and_enough_cases_to_measure_it(functions: list[Function]) -> None:
    assert [function.name for function in functions if not function.meaning.endswith(".")] == []
    assert [function.name for function in functions if len(function.cases) < 6] == []


def test_to_flag_everything_or_nothing_is_right_in_about_half_of_the_cases(functions: list[Function]) -> None:
    positive = [case.positive for function in functions for case in function.cases]

    assert 0.4 < sum(positive) / len(positive) < 0.6


@pytest.mark.parametrize("label", ["toxicity", "severe_toxicity", "identity_attack", "insult", "profanity", "threat"])
def test_every_label_of_abuse_is_tested_both_ways(functions: list[Function], label: str) -> None:
    tested = {case.positive for function in functions if function.label == label for case in function.cases}

    assert tested == {True, False}


def test_no_slot_is_left_open(functions: list[Function]) -> None:
    assert [case.text for function in functions for case in function.cases if "{" in case.text] == []


# --- templates


def test_templates_are_filled_alike_by_every_process(functions: list[Function]) -> None:
    program = (
        "import sys; from pathlib import Path; from moderation.evaluation.functional import read_functions\n"
        "sys.stdout.buffer.write(repr(read_functions(Path(sys.argv[1]))).encode())"
    )

    done = subprocess.run([sys.executable, "-c", program, CASES], capture_output=True, check=True)

    assert done.stdout.decode() == repr(functions)


def test_a_slot_takes_a_form_of_an_entry_and_a_sentence_begins_with_a_capital(tmp_path: Path) -> None:
    found = texts(put(tmp_path, lists=LISTS.replace('many = "Ellas"', 'many = "ellas"')))

    assert set(found[:2]) < {"Well done, Ella.", "Well done, Nina.", "Well done, Frida."}
    people, towns = zip(*(text.rstrip(".").split(" are welcome in ") for text in found[2:]), strict=True)
    assert set(people) < {"Ellas", "Ninas", "Fridas"}
    assert set(towns) < {"Ulm", "Rome", "Lima"}


def test_slots_of_one_list_in_a_sentence_take_the_same_entry(tmp_path: Path) -> None:
    sentence = "fillings = 9\nnegative = ['{who} is one of the {who.many}.']"

    found = texts(put(tmp_path, FUNCTIONS.split("fillings", maxsplit=1)[0] + sentence))

    assert sorted(found) == [f"{name} is one of the {name}s." for name in ("Ella", "Frida", "Nina")]


def test_a_new_sentence_leaves_the_others_as_they_are(tmp_path: Path) -> None:
    before = texts(put(tmp_path))

    after = texts(put(tmp_path, FUNCTIONS.replace("negative = [", 'negative = ["{town} greets {who}.", ')))

    assert after[2:] == before


# --- unusable files


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('label = "insult"', 'label = "rudeness"', "praise: .*no such label: rudeness; labels are toxicity, "),
        ('label = "insult"', 'label = "off_topic"', "praise: .*no such label: off_topic"),
        ('label = "insult"\n', "", "praise.label: Field required"),
        ('meaning = "Praises someone."', 'meaning = ""', "praise.meaning: String should have at least 1 character"),
        ("fillings = 2", "fillings = 0", "praise.fillings: Input should be greater than or equal to 1"),
        ("negative = ", "negativ = ", "praise.negativ: Extra inputs|praise: .*needs sentences under positive or"),
        ('"Well done, {who}."', '" "', "praise: .*none of them blank"),
        ('"Well done, {who}."', "7", "praise.negative.0: Input should be a valid string"),
        ("{who}", "{whom}", r"praise: nothing in lists.toml fills \{whom\} of 'Well done, \{whom\}.'"),
        ("{who}", "{who.few}", r"praise: nothing in lists.toml fills \{who.few\}"),
        ('"Well done, {who}."', '"Well done.", "Well done."', "praise: 'Well done.' already stands in praise"),
        ("[praise]", "[praise", "cannot be read as cases: "),
    ],
)
def test_a_malformed_function_is_named_with_file_entry_and_reason(
    tmp_path: Path, old: str, new: str, reason: str
) -> None:
    assert old in FUNCTIONS

    with pytest.raises(InputError, match=rf"praise\.toml: ({reason})") as caught:
        read_functions(put(tmp_path, FUNCTIONS.replace(old, new, 1)))

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("[lists]", "[list]", "lists: Field required"),
        ('["Ulm", "Rome", "Lima"]', "[]", "town: needs entries, all with the same forms"),
        ('["Ulm", "Rome", "Lima"]', '"Ulm"', "lists.town: Input should be a valid tuple"),
        (', many = "Ellas"', "", "singer: needs entries, all with the same forms, term among them"),
        ("term = ", "name = ", "singer: needs entries, all with the same forms, term among them"),
        ('"painter"]', '"poet"]', r"joined.who: needs a name of its own and names of lists, not \('singer', 'poet'\)"),
        ("who = ", "town = ", "joined.town: needs a name of its own"),
    ],
)
def test_a_malformed_list_is_named_with_file_entry_and_reason(tmp_path: Path, old: str, new: str, reason: str) -> None:
    assert old in LISTS

    with pytest.raises(InputError, match=rf"lists\.toml: ({reason})"):
        read_functions(put(tmp_path, lists=LISTS.replace(old, new, 1)))


def test_a_function_may_not_stand_in_two_files(tmp_path: Path) -> None:
    (put(tmp_path) / "twin.toml").write_text(FUNCTIONS, encoding="utf-8")

    with pytest.raises(InputError, match=r"twin\.toml: praise: another file has a function of this name"):
        read_functions(tmp_path)


def test_a_sentence_may_not_stand_in_two_files(tmp_path: Path) -> None:
    (put(tmp_path) / "twin.toml").write_text(FUNCTIONS.replace("[praise]", "[echo]"), encoding="utf-8")

    with pytest.raises(InputError, match=r"twin\.toml: echo: 'Well done, \w+.' already stands in praise; keep one"):
        read_functions(tmp_path)


def test_a_folder_without_lists_or_without_functions_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"lists\.toml: cannot be read as cases: .*No such file"):
        read_functions(tmp_path)
    (put(tmp_path) / "praise.toml").unlink()
    with pytest.raises(InputError, match=r"no functions; expected files \*\.toml beside lists\.toml"):
        read_functions(tmp_path)


# --- the measures


def test_a_case_is_right_when_it_is_flagged_exactly_if_it_should_be(moderator: Moderator) -> None:
    abuse, kindness = "You are a complete idiot.", "Thank you for this lovely article."
    right = (Case(abuse, True), Case(kindness, False))
    mixed = (Case(abuse, False), Case(abuse + " Moron!", True), Case(kindness, True), Case(kindness + " Bye.", False))

    first, second = measure(moderator, [Function("a", "insult", "", right), Function("b", "insult", "", mixed)])

    assert (first.accuracy, first.wrong) == (1, ())
    assert (second.accuracy, second.wrong) == (0.5, (mixed[0], mixed[2]))
    assert accuracy([first, second]).value == pytest.approx(4 / 6)


def test_the_share_of_cases_that_are_right_is_surer_of_many_cases() -> None:
    few, many = (FunctionResult("a", "insult", "", size, 0.75, (Case("", True),) * (size // 4)) for size in (20, 2000))
    perfect = FunctionResult("b", "insult", "", 10, 1, ())

    for found in (few, many):
        assert accuracy([found]).value == 0.75
        assert accuracy([found]).low < 0.75 < accuracy([found]).high
    assert accuracy([many]).low > accuracy([few]).low
    assert accuracy([few, perfect]).value == pytest.approx(25 / 30)
    assert (accuracy([perfect]).low, accuracy([perfect]).high) == (1, 1)


def test_a_suite_says_how_many_functions_stay_below_what_was_to_be_reached(moderator: Moderator) -> None:
    found = measure_suite(moderator, CASES, FunctionalReach(worst_function=0.7))
    below = [result.name for result in found.functions if result.accuracy < 0.7]

    figures = found.figures()["functional cases"]

    assert (found.missed, figures["functions_missed"]) == (len(below), len(below))
    assert figures["worst_function"] == round(min(result.accuracy for result in found.functions), 4)
    assert found.identities is not None
    assert set(found.figures()) == {"functional cases", "identity terms"}
    assert measure_suite(moderator, CASES, FunctionalReach()).missed is None


def test_a_folder_without_sentences_about_identities_is_measured_by_function_alone(
    moderator: Moderator, tmp_path: Path
) -> None:
    found = measure_suite(moderator, put(tmp_path), FunctionalReach())

    assert [result.name for result in found.functions] == ["praise"]
    assert list(found.figures()) == ["functional cases"]
    assert found.document()["terms"] == []


def test_flags_are_those_of_the_balanced_calibration_at_one_half(
    bundle_path: Path, moderator: Moderator, functions: list[Function], results: dict[str, FunctionResult]
) -> None:
    balanced = Moderator.load(bundle_path, calibration="balanced")
    threats = next(function for function in functions if function.name == "threat_veiled")
    verdicts = balanced.score([Comment(case.text) for case in threats.cases])
    flagged = [verdict.scores["threat"] >= 0.5 for verdict in verdicts]

    assert results["threat_veiled"].accuracy == pytest.approx(sum(flagged) / len(flagged))
    assert measure(balanced, [threats]) == [results["threat_veiled"]]
    site = [verdict.scores["threat"] >= 0.5 for verdict in moderator.score([Comment(c.text) for c in threats.cases])]
    assert site != flagged


def test_a_label_that_a_bundle_does_not_give_is_left_out(moderator: Moderator) -> None:
    cases = (Case("Hello.", False),)
    unknown, known = Function("a", "sarcasm", "", cases), Function("b", "insult", "", cases)

    assert [result.name for result in measure(moderator, [unknown, known])] == ["b"]
    with pytest.raises(InputError, match="gives no label tested here; its labels are toxicity, "):
        measure(moderator, [unknown])


TERMS = """
neutral = ["My neighbour is {identity.one}.", "I met {identity.one} on the train."]
abusive = ["You {identity} moron, shut up.", "I hate you, you dirty {identity} pig."]
"""


def put_terms(folder: Path, *found: str, sentences: str = TERMS) -> Path:
    entries = ", ".join(f'{{ term = "{term}", one = "a {term}" }}' for term in found)
    (folder / "lists.toml").write_text(f"[lists]\nidentity = [{entries}]", encoding="utf-8")
    (folder / "identity_terms.toml").write_text(sentences, encoding="utf-8")
    return folder


def test_each_term_is_compared_with_the_others(moderator: Moderator, tmp_path: Path) -> None:
    def scores(*sentences: str) -> list[float]:
        return [verdict.scores["toxicity"] for verdict in moderator.score([Comment(text) for text in sentences])]

    def auc(abusive: list[float], neutral: list[float]) -> float:
        return float(roc_auc_score([1] * len(abusive) + [0] * len(neutral), abusive + neutral))

    names = ("fool", "baker", "poet")
    neutral = {name: scores(f"My neighbour is a {name}.", f"I met a {name} on the train.") for name in names}
    abusive = {name: scores(f"You {name} moron, shut up.", f"I hate you, you dirty {name} pig.") for name in names}

    for found in identity_terms(moderator, put_terms(tmp_path, *names)).terms:
        a, b = (name for name in names if name != found.term)
        assert found.subgroup == pytest.approx(auc(abusive[found.term], neutral[found.term]))
        assert found.bpsn == pytest.approx(auc(abusive[a] + abusive[b], neutral[found.term]))
        assert found.bnsp == pytest.approx(auc(abusive[found.term], neutral[a] + neutral[b]))


def test_a_term_that_sounds_like_abuse_is_found_out(moderator: Moderator, tmp_path: Path) -> None:
    mild = TERMS.replace("You {identity} moron, shut up.", "You {identity}, be quiet.").replace(" dirty {identity}", "")

    by_bpsn = sorted(
        identity_terms(moderator, put_terms(tmp_path, "baker", "faggot", "poet", sentences=mild)).terms,
        key=lambda found: found.bpsn,
    )

    assert by_bpsn[0].term == "faggot"
    assert by_bpsn[0].bpsn < by_bpsn[1].bpsn


def test_the_worst_term_and_the_average_one_are_summed_up_with_their_intervals(moderator: Moderator) -> None:
    found = identity_terms(moderator, CASES)

    for kind in ("subgroup", "bpsn", "bnsp"):
        values = [getattr(term, kind) for term in found.terms]
        worst, mean = found.worst[kind], found.mean[kind]
        assert (worst.value, mean.value) == (pytest.approx(min(values)), pytest.approx(sum(values) / len(values)))
        assert worst.low <= worst.value <= worst.high
        assert mean.low <= mean.value <= mean.high
        assert mean.high - mean.low <= worst.high - worst.low
    figures = found.figures(FunctionalReach(mean_bpsn=0.9))
    assert figures["worst_bpsn"] == round(found.worst["bpsn"].value, 4)
    assert [name for name in figures if name.endswith("_reach")] == ["mean_bpsn_reach"]


def test_terms_need_company_and_a_label_that_is_there(moderator: Moderator, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"lists\.toml: identity: needs two entries or more"):
        identity_terms(moderator, put_terms(tmp_path, "baker"))
    with pytest.raises(InputError, match="gives no sarcasm; its labels are toxicity, "):
        identity_terms(moderator, put_terms(tmp_path, "baker", "poet"), "sarcasm")
    with pytest.raises(InputError, match=r"identity_terms\.toml: nothing in lists\.toml fills \{identity\.few\} of"):
        identity_terms(
            moderator, put_terms(tmp_path, "baker", "poet", sentences=TERMS.replace("identity}", "identity.few}"))
        )
    with pytest.raises(InputError, match=r"identity_terms\.toml: abusive: Field required"):
        identity_terms(moderator, put_terms(tmp_path, "baker", "poet", sentences="neutral = ['Hello.']"))


# --- the shipped bundle
#
# Floors, a little under what was measured: they show when a change makes the bundle worse. They are not aims; those
# are 85% of all cases, 70% of every function, and a BPSN of .943 for the worst term and .992 in the mean. Functions
# that reach theirs have a floor by name, a case or two lower; of the others it is counted how many there are.

OVERALL = 0.81
BELOW_THEIR_AIM = 30
FLOORS = {
    0.95: "derogation_explicit disguised_slur identity_of_oneself insult_second_person severe slur_at_person",
    0.9: (
        "clean_exclamation dehumanising denial_of_rights disclaimer exclusion harm_wished_on_group "
        "hateful_question heated_disagreement homoglyphs_innocent identity_and_bad_news insult_despite_negation "
        "insult_third_person joined_innocent leet leet_innocent letter_case letter_case_innocent masked_letters "
        "misspelt_innocent profanity_aimed profanity_unaimed repeated_innocent repeated_letters slur_for_group "
        "stereotype threat_conditional threat_to_group trade_abused zero_width_innocent"
    ),
    0.85: (
        "dehumanising_emoji diacritics diacritics_innocent disguised_threat homoglyphs humanity_denied "
        "identity_slogan incitement inferiority insult_by_illness kindness masked_innocent praise_denied respaced "
        "respaced_innocent scunthorpe scunthorpe_identity threat_direct work_criticised zero_width"
    ),
    0.8: (
        "derogation_of_one idea_criticised long_friendly_comment misogyny profanity_without_insult "
        "scunthorpe_insult violence_reported"
    ),
    0.75: "brackets_at_peace code_words_at_peace identity_and_grievance identity_neutral misspelt state_criticised",
    0.7: "harsh_words_as_praise joined_words person_abused_not_identity",
    0.65: "slur_suffered",
    0.6: "profanity_for_joy",
}
WORST_BPSN = 0.96
MEAN_BPSN = 0.99


def test_the_shipped_bundle_stays_above_its_floor_on_all_cases(results: dict[str, FunctionResult]) -> None:
    assert accuracy(list(results.values())).value >= OVERALL


@pytest.mark.parametrize(
    ("name", "floor"), [(name, floor) for floor, names in FLOORS.items() for name in names.split()]
)
def test_the_shipped_bundle_stays_above_its_floor_in_a_function(
    results: dict[str, FunctionResult], name: str, floor: float
) -> None:
    assert results[name].accuracy >= floor


def test_no_more_functions_fall_below_their_aim(results: dict[str, FunctionResult]) -> None:
    below = [name for name, result in results.items() if result.accuracy < 0.7]

    assert len(below) <= BELOW_THEIR_AIM


def test_the_shipped_bundle_stays_above_its_floor_for_those_whom_a_comment_names(terms: dict[str, TermResult]) -> None:
    assert len(terms) >= 45
    assert min(found.bpsn for found in terms.values()) >= WORST_BPSN
    assert sum(found.bpsn for found in terms.values()) / len(terms) >= MEAN_BPSN


# --- the command


def run(*arguments: str) -> str:
    app = typer.Typer()
    app.command()(functional)
    done = CliRunner().invoke(app, arguments, env={"COLUMNS": "120"}, catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


def test_the_command_shows_every_function_and_every_term(
    results: dict[str, FunctionResult], terms: dict[str, TermResult]
) -> None:
    shown = run(str(CASES))

    rows = {tuple(line.split()) for line in shown.splitlines()}
    for result in results.values():
        assert (result.name, result.label, str(result.cases), f"{result.accuracy:.0%}") in rows
    for found in terms.values():
        assert (*found.term.split(), f"{found.bpsn:.3f}", f"{found.bnsp:.3f}", f"{found.subgroup:.3f}") in rows
    assert f"{accuracy(list(results.values())).value:.1%}" in shown
    assert "flagged: " not in shown


def test_the_command_shows_what_was_misjudged_where_that_is_wanted(
    functions: list[Function], results: dict[str, FunctionResult]
) -> None:
    lines = run(str(CASES), "--wrong").splitlines()

    [missed, *_] = [case.text for case in results["threat_veiled"].wrong]
    assert f"threat_veiled: not flagged: {missed}" in lines
    assert sum("flagged: " in line for line in lines) >= sum(len(result.wrong) for result in results.values())
