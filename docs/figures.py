"""Writes the figures of the shipped bundle into the README. Run by `make figures`; a test holds the README to it."""

from __future__ import annotations

import re
from pathlib import Path

from moderation.bundle import Manifest
from moderation.report import figures_table, other_figures

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
_BLOCK = re.compile(r"(<!-- figures:[^>]*-->\n).*?(<!-- /figures -->)", re.DOTALL)
_SHOWN = (
    "toxicity on ours",
    "toxicity on wikipedia",
    "toxicity on surge",
    "toxicity on youtoxic",
    "toxicity on globe_and_mail",
    "insult on kaggle_insults",
    "identity_attack on hatexplain_valtest",
    "identity_attack on gab_ghc",
    "threat on ours",
    "off_topic on reddit_headlines",
    "off_topic on reddit_replies",
    "off_topic on princetonian",
    "off_topic on nyt_2020",
    "off_topic on youtube_relevance",
    "off_topic on globe_and_mail",
)
_SHOWN_BESIDE = (
    "toxicity and TOXICITY@6 on perspective",
    "functional cases",
    "identity terms",
    "off_topic on room_for_debate, cross-validated by thread",
    "off_topic on ours, cross-validated by thread",
    "toxicity spans on civil_spans",
    "toxicity on the stream globe_and_mail",
    "toxicity on the stream wikipedia",
)


def with_figures(readme: str, manifest: Manifest) -> str:
    """The README with the figures of a manifest in their place."""
    size = sum(record.bytes for record in manifest.files.values()) / 1e6
    text = (
        f"On comments that taught the bundle ({size:.1f} MB) nothing; precision and recall are those of flags.\n\n"
        f"{figures_table(manifest, _SHOWN)}\n"
    )
    if beside := other_figures(manifest, _SHOWN_BESIDE):
        text += f"\n{beside}\n"
    return _BLOCK.sub(lambda block: block[1] + text + block[2], readme)


def main() -> None:
    """Write them."""
    manifest = Manifest.model_validate_json((ROOT / "models" / "default" / "manifest.json").read_bytes())
    README.write_text(with_figures(README.read_text(encoding="utf-8"), manifest), encoding="utf-8")


if __name__ == "__main__":
    main()
