"""The description of these endpoints from which Google's client libraries build themselves.

Source of the format: https://developers.google.com/discovery/v1/reference/apis. The words are ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic.json_schema import models_json_schema

from api.perspective.messages import (
    AnalyzeCommentRequest,
    AnalyzeCommentResponse,
    SuggestCommentScoreRequest,
    SuggestCommentScoreResponse,
)

VERSION: Final = "v1alpha1"
_MESSAGES: Final = (
    AnalyzeCommentRequest,
    AnalyzeCommentResponse,
    SuggestCommentScoreRequest,
    SuggestCommentScoreResponse,
)
_TYPES: Final[Mapping[str, dict[str, str]]] = {
    "string": {"type": "string"},
    "boolean": {"type": "boolean"},
    "integer": {"type": "integer", "format": "int32"},
    "number": {"type": "number", "format": "float"},
}
_PARAMETERS: Final[Mapping[str, str]] = {
    "key": "The API key, where this server asks for one.",
    "alt": "Not read: every answer is JSON.",
    "prettyPrint": "Not read.",
    "fields": "Not read: every answer is whole.",
    "quotaUser": "Not read.",
    "callback": "Not read.",
    "access_token": "Not read.",
    "oauth_token": "Not read.",
    "uploadType": "Not read.",
    "upload_protocol": "Not read.",
    "$.xgafv": "Not read.",
}


def discovery_document(root_url: str) -> dict[str, Any]:
    """Describe the endpoints.

    Parameters
    ----------
    root_url : str
        Address of this server as its client knows it, with a slash at its end.

    Returns
    -------
    dict
        JSON of the kind ``discovery#restDescription``.
    """
    return {
        "kind": "discovery#restDescription",
        "discoveryVersion": "v1",
        "id": f"commentanalyzer:{VERSION}",
        "name": "commentanalyzer",
        "version": VERSION,
        "title": "Perspective Comment Analyzer API, served by moderation",
        "description": "Scores comments for abuse and for being off topic.",
        "protocol": "rest",
        "rootUrl": root_url,
        "baseUrl": root_url,
        "basePath": "",
        "servicePath": "",
        "batchPath": "batch",
        "parameters": {
            name: {"type": "string", "location": "query", "description": description}
            for name, description in _PARAMETERS.items()
        },
        "resources": {
            "comments": {
                "methods": {
                    "analyze": _method("analyze", "AnalyzeComment", "Scores a comment."),
                    "suggestscore": _method(
                        "suggestscore", "SuggestCommentScore", "Says which scores a comment should have got."
                    ),
                }
            }
        },
        "schemas": _schemas(),
    }


def _method(name: str, message: str, description: str) -> dict[str, Any]:
    path = f"{VERSION}/comments:{name}"
    return {
        "id": f"commentanalyzer.comments.{name}",
        "path": path,
        "flatPath": path,
        "httpMethod": "POST",
        "description": description,
        "parameters": {},
        "parameterOrder": [],
        "request": {"$ref": f"{message}Request"},
        "response": {"$ref": f"{message}Response"},
    }


def _schemas() -> dict[str, Any]:
    """The messages as JSON schemas of the old draft that the format asks for, where a schema goes by its name."""
    _, table = models_json_schema([(message, "validation") for message in _MESSAGES], ref_template="{model}")
    return {
        name: {
            "id": name,
            "type": "object",
            "description": schema["description"],
            "properties": {field: _field(member) for field, member in schema["properties"].items()},
        }
        for name, schema in table["$defs"].items()
    }


def _field(schema: Mapping[str, Any]) -> dict[str, Any]:
    about = {"description": schema["description"]} if "description" in schema else {}
    if "anyOf" in schema:  # null, or a form that is read for the sake of some clients
        return {**_field(schema["anyOf"][0]), **about}
    if "$ref" in schema:
        return {"$ref": schema["$ref"], **about}
    match schema["type"]:
        case "array":
            return {"type": "array", "items": _field(schema["items"]), **about}
        case "object":
            return {"type": "object", "additionalProperties": _field(schema["additionalProperties"]), **about}
        case plain:
            return {**_TYPES[plain], **about}
