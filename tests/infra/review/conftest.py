"""Results with and without flags, in the buckets of a fake deployment or in folders, and a reviewer's desk on them."""

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw
from starlette.testclient import TestClient

from infra.review.bucket import BucketPlace
from infra.review.desk import Desk
from infra.review.folder import FolderPlace
from infra.review.places import Place
from infra.review.policy import read_model_view
from infra.review.server import application
from lambda_fn.keys import flag_key, label_key, result_key
from lambda_fn.manifest import Manifest
from tests.infra.fakes import IMAGES, RESULTS, deployed_stack
from tests.infra.review.browser import browser, open_page  # noqa: F401 - fixtures

PORT, TOKEN = 8765, "the-token"
HOST = f"127.0.0.1:{PORT}"
HOSTILE_KEYS = [
    '"><img src=x onerror=alert(1)>.bmp',
    "../../x.bmp",
    "plate 7/cell 😀.bmp",
    "evil\u202egnp.bmp",
    "</script><script>alert(1)</script>.bmp",
    "x" * 1007 + ".bmp",
]


def picture(seed: int = 0, image_format: str = "BMP") -> bytes:
    """An image of one cell; each seed has other pixels."""
    image = Image.new("RGB", (300, 280))
    ImageDraw.Draw(image).ellipse((60, 50, 220 + seed % 20, 210), fill=(90, 40, 120 + seed % 100))
    file = io.BytesIO()
    image.save(file, image_format)
    return file.getvalue()


def result(key: str, data: bytes, probability: float = 0.52, reasons: tuple[str, ...] = ("uncertain",)) -> Any:
    """A result of an image; without reasons it is decided and asks for nobody."""
    decided = not reasons or reasons == ("audit",)
    return {
        "schema": "cellflag/result/1",
        "status": "scored",
        "image": {
            **{"bucket": IMAGES, "key": key, "version_id": None, "etag": None, "sha256": sha256(data).hexdigest()},
            **{"bytes": len(data), "format": "BMP", "width": 300, "height": 280},
        },
        "prediction": {"label": "ALL" if probability >= 0.5 else "normal", "probability_all": probability},
        "decision": ("ALL" if probability >= 0.5 else "normal") if decided else "review",
        "review": {"required": bool(reasons), "reasons": list(reasons)},
        "morphology": None,
        "explanation": {"key": None},
        "model": {"version": "model-1", "sha256": Manifest.read().sha256},
        "timing_ms": {"read": 1.0, "decode": 1.0, "infer": 1.0},
        "scored_at": "2026-11-22T12:00:00.000Z",
    }


def explained(document: Any, logit: float = 0.08) -> Any:
    """The same result with a map and measurements, as newer versions of the function write them."""
    values = [[0.01 * (row - column) for column in range(4)] for row in range(4)]
    values[0][0] += logit + 2.86 - 0.3
    document["explanation"] = {
        "logit": logit,
        "baseline_logit": -2.86,
        "map": {"top": 40, "left": 30, "side_px": 224, "values": values},
        "other": {"colour": 0.3},
        "residual": 0.0,
    }
    document["morphology"] = morphology()
    return document


def morphology(cell_area_px: int = 31000, circularity: float = 0.9) -> dict[str, Any]:
    """Measurements of a cell with one cleft and one pale spot, on which no cytoplasm is visible."""
    return {
        **{"cell_area_px": cell_area_px, "equivalent_diameter_px": 198.7, "perimeter_px": 640.0},
        **{"circularity": circularity, "solidity": 0.97, "aspect": 0.85},
        "clefts": {"number": 1, "deepest": 0.12, "places": [{"x": 140, "y": 51, "depth": 0.12, "width": 0.2}]},
        "chromatin_cv": 0.08,
        "pale_spots": {"number": 1, "area_px": 300, "places": [{"x": 120, "y": 130, "area_px": 300}]},
        **{"separability": 0.6, "nucleus_area_px": None, "nc_ratio": None, "vacuoles": None, "touches_frame": False},
        "not_measured": dict.fromkeys(("nucleus_area_px", "nc_ratio", "vacuoles"), "cytoplasm_not_visible"),
        **{"um_per_px": None, "cell_area_um2": None, "equivalent_diameter_um": None},
    }


@dataclass
class Laboratory:
    """A place with images and results, and ways to look into it.

    Attributes:
        place: the place.
        put_image: writes the file of an image.
        remove: deletes a document.
    """

    place: Place
    put_image: Callable[[str, bytes], object]
    remove: Callable[[str], object]

    def add(self, key: str, seed: int = 0, **facts: Any) -> Any:
        """Add an image with its result, and its flag if it asks for review."""
        data = picture(seed)
        self.put_image(key, data)
        document = result(key, data, **facts)
        self.write(key, document)
        return document

    def write(self, key: str, document: Any) -> None:
        """Write a result and its flag, in place of those before."""
        body = json.dumps(document).encode()
        required = document["review"]["required"]
        for document_key, wanted in ((result_key(key), True), (flag_key(key), required)):
            self.remove(document_key)
            if wanted:
                assert self.place.create(document_key, body)

    def label(self, key: str) -> Any:
        """The label document of an image; None if there is none."""
        stored = self.place.read(label_key(key))
        return json.loads(stored.body) if stored else None

    def is_flagged(self, key: str) -> bool:
        """Whether the flag of an image stands."""
        return self.place.read(flag_key(key)) is not None

    def desk(self, reviewer: str = "one", **options: Any) -> Desk:
        """A desk that has read all flags and labels."""
        desk = Desk(self.place, reviewer, read_model_view(None), **options)
        desk.waiting.load()
        desk.refresher.read_labels()
        desk.refresher.mend()
        return desk

    def client(self, reviewer: str = "one", **options: Any) -> "Page":
        """The page of a reviewer, with its cookie."""
        return Page(self.desk(reviewer, **options))


class Page:
    """What the page of a browser does, by HTTP.

    Attributes:
        desk: the desk behind it.
        http: the client, with the cookie.
    """

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.http = TestClient(application(desk, PORT, TOKEN), base_url=f"http://{HOST}", raise_server_exceptions=False)
        assert self.http.get(f"/?token={TOKEN}").status_code == 200

    def cells(self, **filters: Any) -> Any:
        return self.http.get("/api/cells", params=filters).json()

    def keys(self, **filters: Any) -> list[str]:
        return [cell["key"] for cell in self.cells(**filters)["cells"]]

    def card(self, key: str) -> Any:
        return self.http.get(f"/api/cells/{self.desk.id_of(key)}").json()

    def post(self, path: str, body: Any) -> Any:
        return self.http.post(path, json=body, headers={"Origin": f"http://{HOST}"})

    def answer(self, key: str, label: str = "ALL", card: Any = None, **options: Any) -> Any:
        card = card or self.card(key)
        body = {"label": label, "version": card["version"], "seen": card["etag"], "seconds": 1.5, "map_shown": True}
        return self.post(f"/api/cells/{self.desk.id_of(key)}/answer", body | options)

    def undo(self) -> Any:
        return self.post("/api/undo", {}).json()


@pytest.fixture(params=["bucket", "folder"])
def laboratory(request: pytest.FixtureRequest) -> Laboratory:
    found: Laboratory = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Laboratory:
    images, documents = tmp_path / "images", tmp_path / "out"
    for path in (images, documents):
        path.mkdir()

    def put_image(key: str, data: bytes) -> None:
        path = images / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def remove(key: str) -> None:
        (documents / key).unlink(missing_ok=True)

    return Laboratory(FolderPlace(documents, images), put_image, remove)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Laboratory]:
    with deployed_stack(monkeypatch) as stack:
        yield Laboratory(
            BucketPlace(stack),
            lambda key, data: stack.s3.put_object(Bucket=IMAGES, Key=key, Body=data),
            lambda key: stack.s3.delete_object(Bucket=RESULTS, Key=key),
        )
