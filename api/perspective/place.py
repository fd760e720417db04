"""A comment in its place, from the texts of a request."""

from __future__ import annotations

from collections.abc import Sequence

from api.perspective.errors import empty_comment, invalid, long_comment
from api.perspective.messages import Context, TextEntry
from api.settings import Settings
from moderation import Article, Comment


def comment_of(entry: TextEntry, context: Context, settings: Settings) -> Comment:
    """Read the comment, and from its context the article and the comment that it answers.

    Parameters
    ----------
    entry : TextEntry
        The comment.
    context : Context
        In either form.
    settings : Settings
        Say how long each text may be, in bytes of UTF-8.

    Raises
    ------
    InvalidArgumentError
        If the comment is empty, a text too long or not plain, or the context given in both forms.
    """
    if not entry.text:
        raise empty_comment()
    if _bytes(entry) > settings.max_comment_bytes:
        raise long_comment()
    article, parent, *others = [*_entries(context), TextEntry(), TextEntry()]
    for text in (entry, article, parent, *others):
        _require_plain(text)
    _require_short([article, parent, *others], settings)
    return Comment(entry.text, Article(text=article.text) if article.text else None, parent.text or None)


def _entries(context: Context) -> Sequence[TextEntry]:
    """The article, the parent comment, and whatever else there is."""
    both = context.article_and_parent_comment
    if both is None:
        return context.entries
    if context.entries:
        raise invalid("Context can have either entries or article_and_parent_comment, but both fields were populated.")
    return [both.article, both.parent_comment]


def _require_plain(entry: TextEntry) -> None:
    match entry.type.upper():
        case "" | "TEXT_TYPE_UNSPECIFIED" | "PLAIN_TEXT":
            return
        case "HTML":
            raise invalid("Currently, only 'PLAIN_TEXT' comments are supported")
        case _:
            raise invalid("Unknown text type")


def _require_short(context: Sequence[TextEntry], settings: Settings) -> None:
    most = (settings.max_article_bytes, settings.max_parent_bytes)
    sizes = [_bytes(entry) for entry in context]
    if sizes[0] > most[0] or sizes[1] > most[1] or sum(sizes) > sum(most):
        raise invalid(
            f"Context too long: at most {most[0]} bytes of UTF-8 are accepted for the article, "
            f"{most[1]} for the parent comment."
        )


def _bytes(entry: TextEntry) -> int:
    return len(entry.text.encode())
