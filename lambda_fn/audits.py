"""Draws the decided cells that people label blind, so that ``promises`` can tell whether the error rates hold.

All three packages read this module, so it imports the standard library alone.
"""

import hmac

_BITS = 64


def is_drawn(sha256: str | None, share: float, salt: str) -> bool:
    """Return whether an image is drawn for the audit, if its cell is decided.

    The draw is repeatable: the same bytes are drawn or not, under any key, each time they are scored. Whoever does not
    know the salt cannot predict it. An image that is drawn for a share is drawn for every larger one, too.

    Args:
        sha256: digest of the image's bytes in hexadecimal; an image without one is never drawn.
        share: the share of images to draw, 0 to 1.
        salt: of the deployment.
    """
    if sha256 is None:
        return False
    digest = hmac.digest(salt.encode(), sha256.encode(), "sha256")
    return int.from_bytes(digest[: _BITS // 8]) < share * 2.0**_BITS
