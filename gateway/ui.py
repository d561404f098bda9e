"""The pages that people open: GraphiQL, built from web/ into gateway/ui/."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

UI_DIRECTORY = Path(__file__).parent / "ui"

# Monaco, GraphiQL's editor, writes style elements; nothing else is inline, and nothing comes from another host.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_FOREVER = "public, max-age=31536000, immutable"
_NOT_BUILT = "GraphiQL has not been built: run `make setup`, then start the server again. /graphql works without it.\n"


class Pages(StaticFiles):
    """Static files with a strict policy; hashed assets are kept by browsers, pages are asked for again."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Answer with a file and its headers."""
        response = await super().get_response(path, scope)
        hashed = path.startswith("assets/") and response.status_code in (200, 304)
        response.headers["cache-control"] = _FOREVER if hashed else "no-cache"
        response.headers["content-security-policy"] = CONTENT_SECURITY_POLICY
        return response


def build_pages(directory: Path = UI_DIRECTORY) -> list[BaseRoute]:
    """Give the routes of /graphiql; when the pages were never built they say what to do."""
    if not (directory / "index.html").is_file():
        missing = PlainTextResponse(_NOT_BUILT, status_code=503)
        return [Route("/graphiql", missing), Mount("/graphiql", app=missing)]
    pages = Pages(directory=directory, html=True)

    async def show_index(request: Request) -> Response:
        return await pages.get_response("index.html", request.scope)

    return [Route("/graphiql", show_index), Mount("/graphiql", app=pages)]
