"""Django in one file: `gunicorn examples.django_app:wsgi`, `uvicorn examples.django_app:asgi`, or its `runserver`."""

import json
import sys

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.management import execute_from_command_line
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

SMCP = "smcp_security.adapters.django"
OURS = {"INSTALLED_APPS": [SMCP], "MIDDLEWARE": [f"{SMCP}.SMCPMiddleware"]}
settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["127.0.0.1", "localhost"], **OURS)
ABOUT = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "a", "version": "1"}}
SCHEMA = {"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"]}
KNOWN = {"initialize": ABOUT, "ping": {}, "tools/list": {"tools": [{"name": "find_book", "inputSchema": SCHEMA}]}}


@csrf_exempt
def mcp(request: HttpRequest) -> HttpResponse:
    """Answer one message."""
    asked = json.loads(request.body or "{}")
    if "id" not in asked:
        return HttpResponse(status=202 if asked else 405)
    known = asked["method"] in KNOWN
    told = {"result": KNOWN[asked["method"]]} if known else {"error": {"code": -32601, "message": "no such method"}}
    if asked["method"] == "tools/call":
        text = f"{asked['params']['arguments']['title']}: shelf 7"
        told = {"result": {"content": [{"type": "text", "text": text}]}}
    return JsonResponse({"jsonrpc": "2.0", "id": asked["id"], **told})


urlpatterns = [path("mcp", mcp), path("health", lambda request: HttpResponse("ok"))]
wsgi, asgi = get_wsgi_application(), get_asgi_application()
if __name__ == "__main__":
    execute_from_command_line(sys.argv)
