"""Images for these tests, drawn here."""

from pathlib import Path

from PIL import Image, ImageDraw

# Names that a key, a URL or an event might garble.
KEYS = (
    "plain.bmp",
    "plate 7/cell 12.bmp",
    "a+b=c&d#e%20f.png",
    "Blutausstrich/zelle-ü.jpg",
    "患者/細胞-日本.webp",
    "deep/deeper/deepest/cell.tiff",
    "UPPER.BMP",
    "two.dots..bmp",
    "it's (1) [2] {3} ~!$,;@.PNG",
)
_FORMATS = {".bmp": "BMP", ".png": "PNG", ".jpg": "JPEG", ".webp": "WEBP", ".tiff": "TIFF"}


def draw_cell(path: Path, seed: int) -> None:
    """Draw a purple disc on black, in the format of the path's suffix. Each seed gives another disc."""
    image = Image.new("RGB", (450, 450))
    radius = 90 + 5 * (seed % 10)
    ImageDraw.Draw(image).ellipse((225 - radius, 225 - radius, 225 + radius, 225 + radius), fill=(120, 60 + seed, 150))
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, _FORMATS[path.suffix.lower()])
