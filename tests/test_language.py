"""English unless there is real evidence of another language; the others under their ISO codes."""

from __future__ import annotations

import time

import pytest

from moderation.text.language import LANGUAGES, LanguageDetector


@pytest.fixture(scope="module")
def detector() -> LanguageDetector:
    return LanguageDetector.load()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("yo hamburger", id="refused by Perspective as Turkish"),
        "lol",
        "LMAO",
        "ur dumb af",
        "stfu noob",
        "no cap fr fr",
        "gg ez",
        "die",
        "THIS IS A DISGRACE",
        "LEARN TO READ you moron",
        "definately wierd beleive me",
        "thier stupid opinons",
        "hahahahaha",
        "aaaaaargh",
        "y u do dis",
        "i d i o t",
        "Arnold Schwarzenegger",
        "Ferrari > Lamborghini",
        "Mohammed bin Salman lol",
        "Macron and Merkel again",
        "a naïve café owner",
        "schadenfreude much?",
        "adios amigo",
        "taco tuesday!!",
        "viva la revolution",
    ],
)
def test_short_english_is_english_however_it_is_written(detector: LanguageDetector, text: str) -> None:
    assert detector.detect(text) == "en"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n",
        "\x00",
        "12:30",
        "+1",
        ":-)",
        "????",
        "\N{FACE WITH TEARS OF JOY}\N{FACE WITH TEARS OF JOY}",
        "\N{ZERO WIDTH JOINER}\N{RIGHT-TO-LEFT MARK}",
        "https://example.com/das/ist/doch/gar/nicht/wahr",
        "www.das-ist-doch-gar-nicht-wahr.example",
        "@hans_mueller @jürgen #wahrheit",
        "\ud83d",
        "\N{COMBINING ACUTE ACCENT}" * 50,
        "\N{CJK UNIFIED IDEOGRAPH-8349}",
    ],
)
def test_where_nothing_tells_the_default_is_taken(detector: LanguageDetector, text: str) -> None:
    assert detector.detect(text) == "en"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("уоu аrе аll mоrоns", id="Cyrillic letters drawn like Latin ones"),
        pytest.param("ｙｏｕ　ｉｄｉｏｔ", id="full-width letters"),
        pytest.param("𝔂𝓸𝓾 𝓲𝓭𝓲𝓸𝓽", id="mathematical letters"),
        pytest.param("you are a \u200bli\u200bar", id="invisible characters"),
    ],
)
def test_a_disguise_does_not_make_english_another_language(detector: LanguageDetector, text: str) -> None:
    assert detector.detect(text) == "en"


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("ar", "لم يسألك أحد عن رأيك"),
        ("zh", "没有人问你的意见"),
        ("cs", "nikdo se tě na nic neptal"),
        ("nl", "niemand heeft jou iets gevraagd"),
        ("fr", "personne ne t'a demandé ton avis"),
        ("de", "dich hat doch keiner gefragt"),
        ("hi", "किसी ने तुमसे नहीं पूछा"),
        ("id", "tidak ada yang bertanya kepadamu"),
        ("it", "nessuno ti ha chiesto niente"),
        ("ja", "誰もあなたに聞いていません"),
        ("ko", "아무도 너한테 안 물어봤어"),
        ("pl", "nikt cię o nic nie pytał"),
        ("pt", "ninguém perguntou a sua opinião"),
        ("ru", "никто тебя ни о чём не спрашивал"),
        ("es", "nadie te ha preguntado nada"),
        ("sv", "ingen har frågat dig om något"),
        ("tr", "kimse sana bir şey sormadı"),
        ("uk", "ніхто тебе ні про що не питав"),
        ("vi", "không ai hỏi ý kiến của bạn cả"),
        ("el", "κανείς δεν σε ρώτησε τίποτα"),
        ("he", "אף אחד לא שאל אותך"),
        ("th", "ไม่มีใครถามคุณ"),
    ],
)
def test_other_languages_have_their_code(detector: LanguageDetector, code: str, text: str) -> None:
    assert detector.detect(text) == code
    assert detector.detect(f"@mike {text.upper()} https://example.com/this/is/not/so") == code


@pytest.mark.parametrize(
    ("code", "text"), [("es", "qué vergüenza"), ("de", "verpiss dich du arschloch"), ("pl", "co za bzdura jest to")]
)
def test_short_insults_of_other_languages_are_seen_when_they_could_not_be_english(
    detector: LanguageDetector, code: str, text: str
) -> None:
    assert detector.detect(text) == code


def test_a_name_in_another_script_does_not_make_english_another_language(detector: LanguageDetector) -> None:
    assert detector.detect("I love Москва") == "en"
    assert detector.detect("日本 is great") == "en"


def test_an_english_word_does_not_make_another_script_english(detector: LanguageDetector) -> None:
    assert detector.detect("это просто bullshit какой-то") == "ru"


def test_a_quotation_does_not_outweigh_the_comment(detector: LanguageDetector) -> None:
    assert detector.detect('He said "das ist gut" and then walked out of the meeting without another word') == "en"


def test_every_answer_is_one_of_the_languages(detector: LanguageDetector) -> None:
    assert len(set(LANGUAGES)) == len(LANGUAGES)
    assert {"ar", "zh", "cs", "nl", "en", "fr", "de", "hi", "id", "it", "ja", "ko", "pl", "pt", "ru", "es", "sv"} <= {
        *LANGUAGES
    }
    assert detector.detect("ᎣᏏᏲ ᏙᎯᏧ") in LANGUAGES


@pytest.mark.parametrize(
    "text", ["a" * 20_480, "ab" * 10_240, "@" * 20_480, "\ufdfa" * 6_000, "x y " * 5_000, "#a" * 10_000]
)
def test_no_text_takes_long(detector: LanguageDetector, text: str) -> None:
    start = time.perf_counter()
    detector.detect(text)
    assert time.perf_counter() - start < 0.1
