"""What comes in: a comment, the article it stands under, the comment it answers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Article:
    """What a comment was written under.

    Parameters
    ----------
    title, text : str
        Headline and body; either may be empty.
    url : str or None
        Where it was published. Not read by any head.
    """

    title: str = ""
    text: str = ""
    url: str | None = None

    def __bool__(self) -> bool:
        """Whether there is anything to compare a comment with."""
        return bool(self.title.strip() or self.text.strip())


@dataclass(frozen=True, slots=True)
class Comment:
    """One comment to be judged.

    Parameters
    ----------
    text : str
        The comment as its author typed it.
    article : Article or None
        Needed, as long as there is no parent, for an off-topic score.
    parent : str or None
        Text of the comment that this one answers.
    """

    text: str
    article: Article | None = None
    parent: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.text, str):
            raise TypeError(f"Comment.text must be str, not {type(self.text).__name__}")

    @property
    def has_context(self) -> bool:
        """Whether an off-topic score can be given at all."""
        return bool(self.article) or bool(self.parent and self.parent.strip())
