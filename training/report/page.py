"""Writes a report as one self-contained HTML file."""

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from numpy.typing import NDArray
from PIL import Image


def write_page(path: Path, template: str, **content: object) -> None:
    """Fill a template of ``templates/`` and write it.

    Args:
        path: new file; its folder is made if missing.
        template: name of the template.
        content: values of the template's names; text is escaped.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page_environment().get_template(template).render(**content), "utf-8")


def page_environment(*packages: str) -> Environment:
    """Return an environment that escapes text, and finds the templates of these packages before those of this one."""
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package) for package in (*packages, "training.report")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"share": _share, "picture": picture}
    return environment


def _share(value: float, digits: int = 1) -> str:
    """0.0395 as 4.0 %, with a narrow no-break space."""
    return f"{100 * value:.{digits}f}\N{NARROW NO-BREAK SPACE}%"


def picture(pixels: NDArray[np.uint8], side: int = 0, alt: str = "") -> Markup:
    """Convert an image to an ``<img>`` element that contains its data.

    Args:
        pixels: uint8 array of shape (height, width, 3).
        side: longest side in pixels that it is reduced to; 0 keeps its size.
        alt: description for people who cannot see it.
    """
    image = Image.fromarray(pixels)
    if side:
        image.thumbnail((side, side), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    image.save(file, "WEBP", quality=90)
    data: Any = base64.b64encode(file.getvalue()).decode()
    return Markup('<img src="data:image/webp;base64,{}" alt="{}" width="{}" height="{}">').format(
        data, alt, image.width, image.height
    )
