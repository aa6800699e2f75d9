"""The review page's server: the page, and the JSON that it asks for."""

import math
from datetime import date
from pathlib import Path
from typing import Any, cast, get_args

from botocore.exceptions import BotoCoreError, ClientError
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from infra.errors import InfraError
from infra.operate import aws_errors
from infra.promise.readers import agreement_of, in_words
from infra.review.answering import Choice
from infra.review.attention import Attentive
from infra.review.cards import disagree
from infra.review.checking import CannotCheckError, check_promise
from infra.review.desk import Desk, GivenAnswer, GoneError, StaleCardError
from infra.review.guard import Guard
from infra.review.listing import Filters, State, list_cells
from infra.review.pictures import NoPictureError
from lambda_fn.labels import Answer

_PAGE = Path(__file__).parent / "page"
# The most cells of one listing, and the most characters of a comment.
_MOST_CELLS = 5_000
_MOST_COMMENT = 2_000
# The decided cells that are drawn at a time for an audit.
_AUDITS = 20
# The status of each error that the page shows as text.
_STATUS: dict[type[InfraError], int] = {
    GoneError: 410,
    StaleCardError: 409,
    NoPictureError: 422,
    CannotCheckError: 422,
}


def application(desk: Desk, port: int, token: str) -> ASGIApp:
    """The server's application, guarded by a token.

    Args:
        desk: the reviewer's desk.
        port: the port of 127.0.0.1 that it listens on.
        token: the token of the address.
    """
    routes = [
        Route("/", _page),
        Route("/api/cells", _cells),
        Route("/api/cells/{identity}", _card),
        Route("/api/cells/{identity}/{kind}.png", _picture),
        Route("/api/cells/{identity}/answer", _answer, methods=["POST"]),
        Route("/api/agreement", _agreement),
        Route("/api/promise", _promise, methods=["POST"]),
        Route("/api/undo", _undo, methods=["POST"]),
        Route("/api/audits", _audits, methods=["POST"]),
        Mount("/page", StaticFiles(directory=_PAGE)),
    ]
    app = Starlette(routes=routes, exception_handlers={Exception: _unexpected, InfraError: _refusal})
    app.state.desk, app.state.page = desk, _render(desk)
    app.add_exception_handler(ClientError, _refusal)
    app.add_exception_handler(BotoCoreError, _refusal)
    app.add_exception_handler(OSError, _refusal)
    return Guard(Attentive(app, desk.attention), port, token)


def _desk(request: Request) -> Desk:
    return cast(Desk, request.app.state.desk)


def _render(desk: Desk) -> str:
    environment = Environment(loader=PackageLoader("infra.review", "page"), autoescape=True, undefined=StrictUndefined)
    return environment.get_template("index.html").render(
        place=desk.place.name, reviewer=desk.reviewer, blind=desk.blind, reviewers=desk.reviewers
    )


async def _page(request: Request) -> Response:
    return HTMLResponse(request.app.state.page)


def _cells(request: Request) -> Response:
    desk, wanted = _desk(request), request.query_params
    state = wanted.get("state", "open")
    if state not in get_args(State):
        raise _BadRequestError("there is no such state.")
    filters = Filters(
        cast(State, state),
        wanted.get("prefix", ""),
        wanted.get("reason", ""),
        _day(wanted.get("since")),
        _day(wanted.get("until")),
    )
    desk.refresher.look_again()
    return JSONResponse(list_cells(desk, filters, _MOST_CELLS))


def _card(request: Request) -> Response:
    desk = _desk(request)
    return JSONResponse(desk.card(desk.key_of(request.path_params["identity"])))


def _picture(request: Request) -> Response:
    desk, kind = _desk(request), request.path_params["kind"]
    if kind not in ("image", "outline"):
        return Response(status_code=404)
    return Response(desk.picture(desk.key_of(request.path_params["identity"]), kind), media_type="image/png")


async def _answer(request: Request) -> Response:
    desk, given = _desk(request), _given(await _json(request))
    key = desk.key_of(request.path_params["identity"])
    written, card = await run_in_threadpool(desk.answer, key, given)
    return JSONResponse(card, 200 if written else 412)


async def _undo(request: Request) -> Response:
    desk = _desk(request)
    key = await run_in_threadpool(desk.undo)
    return JSONResponse({"id": desk.id_of(key), "key": key} if key is not None else {"id": None})


async def _audits(request: Request) -> Response:
    return JSONResponse({"drawn": await run_in_threadpool(_desk(request).draw_audits, _AUDITS)})


def _agreement(request: Request) -> Response:
    documents = _desk(request).labelled.all()
    disagreed = sum(map(disagree, documents)) if _desk(request).reviewers > 1 else 0
    return JSONResponse({"text": in_words(agreement_of(documents)), "disagreed": disagreed})


async def _promise(request: Request) -> Response:
    desk = _desk(request)
    return JSONResponse(await run_in_threadpool(check_promise, desk.background, desk.view))


class _BadRequestError(InfraError):
    """The page asked for something that there is not; a page of another version may do that."""


async def _json(request: Request) -> dict[str, Any]:
    try:
        content = await request.json()
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise _BadRequestError("the request is no JSON object.")
    return content


def _given(content: dict[str, Any]) -> GivenAnswer:
    """The answer that the page sends.

    Raises:
        _BadRequestError: a part is missing or of the wrong kind.
    """
    label, choice, seen, seconds = (content.get(name) for name in ("label", "choice", "seen", "seconds"))
    timed = isinstance(seconds, int | float) and math.isfinite(seconds) and seconds >= 0
    if (
        label not in get_args(Answer)
        or choice not in (None, *get_args(Choice))
        or not isinstance(seen, str | None)
        or not isinstance(content.get("version"), str)
        or not isinstance(content.get("comment", ""), str)
    ):
        raise _BadRequestError("the request is no answer: reload the page.")
    return GivenAnswer(
        label=cast(Answer, label),
        version=content["version"],
        seen=seen,
        seconds=float(cast(float, seconds)) if timed else None,
        map_shown=content.get("map_shown") is True,
        comment=content.get("comment", "")[:_MOST_COMMENT],
        choice=choice,
    )


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise _BadRequestError(f"{text} is no day.") from None


def _refusal(request: Request, error: Exception) -> Response:
    """An error as one sentence for the page."""
    if isinstance(error, InfraError):
        status = 400 if isinstance(error, _BadRequestError) else _STATUS.get(type(error), 500)
        return JSONResponse({"error": error.message}, status)
    if isinstance(error, BotoCoreError | ClientError):
        return JSONResponse({"error": aws_errors.explain(error)}, 502)
    message = f"{error.filename}: {error.strerror}." if isinstance(error, OSError) else str(error)
    return JSONResponse({"error": message}, 500)


def _unexpected(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": f"the program failed: {type(error).__name__}. Its terminal says more."}, 500)
