"""Tools, resources and prompts that answer at once, alike on both SDKs."""

from __future__ import annotations

import json
from typing import Any

from tests.conformance.servers.samples import AUDIO, DIALECT, IMAGE, PNG
from tests.conformance.servers.sdk import Server, Tool, types


def _text(text: str) -> Any:
    return types.TextContent(type="text", text=text)


def _image() -> Any:
    return types.ImageContent(type="image", data=IMAGE, mimeType="image/png")


def _resource(uri: str, media: str, text: str) -> Any:
    contents = types.TextResourceContents(uri=uri, mimeType=media, text=text)
    return types.EmbeddedResource(type="resource", resource=contents)


def add_contents(server: Server) -> None:
    """The tools that return each kind of content. The header scenarios call the first one listed, with nothing."""

    @server.tool(structured_output=False)
    def test_simple_text() -> Any:
        """Return a text."""
        return [_text("This is a simple text response for testing.")]

    @server.tool(structured_output=False)
    def test_image_content() -> Any:
        """Return an image."""
        return [_image()]

    @server.tool(structured_output=False)
    def test_audio_content() -> Any:
        """Return a sound."""
        return [types.AudioContent(type="audio", data=AUDIO, mimeType="audio/wav")]

    @server.tool(structured_output=False)
    def test_embedded_resource() -> Any:
        """Return a resource."""
        return [_resource("test://embedded-resource", "text/plain", "This is an embedded resource content.")]

    @server.tool(structured_output=False)
    def test_multiple_content_types() -> Any:
        """Return a text, an image and a resource."""
        data = json.dumps({"test": "data", "value": 123})
        resource = _resource("test://mixed-content-resource", "application/json", data)
        return [_text("Multiple content types test:"), _image(), resource]

    @server.tool()
    def test_error_handling() -> str:
        """Fail."""
        raise ValueError("This tool intentionally returns an error for testing")


def dialect_tool() -> Any:
    """A tool whose announced schema is written by hand: neither SDK derives such keywords from a signature."""

    def json_schema_2020_12_tool(name: str = "") -> str:
        """Tool with JSON Schema 2020-12 features"""
        return name

    tool = Tool.from_function(json_schema_2020_12_tool, structured_output=False)
    return tool.model_copy(update={"parameters": DIALECT})


def add_resources(server: Server) -> None:
    """The resources that the scenarios read and watch."""

    @server.resource("test://static-text", description="A fixed text", mime_type="text/plain")
    def static_text() -> str:
        return "This is the content of the static text resource."

    @server.resource("test://static-binary", description="A fixed image", mime_type="image/png")
    def static_binary() -> bytes:
        return PNG

    @server.resource("test://watched-resource", description="What clients subscribe to", mime_type="text/plain")
    def watched_resource() -> str:
        return "Watched."

    @server.resource("test://template/{id}/data", description="Made for an id", mime_type="application/json")
    def template(id: str) -> str:
        return json.dumps({"id": id, "templateTest": True, "data": f"Data for ID: {id}"})


def add_prompts(server: Server) -> None:
    """The prompts that the scenarios get, and completion for their arguments."""

    @server.prompt(description="A simple prompt")
    def test_simple_prompt() -> Any:
        return [_said({"type": "text", "text": "This is a simple prompt for testing."})]

    @server.prompt(description="A prompt with arguments")
    def test_prompt_with_arguments(arg1: str, arg2: str) -> Any:
        return [_said({"type": "text", "text": f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"})]

    @server.prompt(description="A prompt with a resource")
    def test_prompt_with_embedded_resource(resourceUri: str) -> Any:
        text = "Embedded resource content for testing."
        resource = {"uri": resourceUri, "mimeType": "text/plain", "text": text}
        asked = _said({"type": "text", "text": "Please process the embedded resource above."})
        return [_said({"type": "resource", "resource": resource}), asked]

    @server.prompt(description="A prompt with an image")
    def test_prompt_with_image() -> Any:
        image = {"type": "image", "data": IMAGE, "mimeType": "image/png"}
        return [_said(image), _said({"type": "text", "text": "Please analyze the image above."})]

    @server.completion()
    async def complete(ref: Any, argument: Any, context: Any) -> Any:
        values = [word for word in ("paris", "park", "party") if word.startswith(argument.value)]
        return types.Completion(values=values, total=len(values), hasMore=False)


def _said(content: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": content}
