"""The images to erase, and the objects of the results bucket that belong to them."""

from dataclasses import dataclass

from lambda_fn.keys import LABELS, RESULTS, REVIEW

# The kinds of documents by the prefix of their keys.
DOCUMENTS = {RESULTS: "results", REVIEW: "review flags", LABELS: "labels"}


@dataclass(frozen=True)
class ImageSelection:
    """One image, or all whose keys begin with a prefix.

    Attributes:
        beginning: the image's key, or the prefix.
        is_prefix: whether ``beginning`` is a prefix.
    """

    beginning: str
    is_prefix: bool

    def has(self, image_key: str) -> bool:
        """Whether the image of this key is selected. ``a.bmp`` alone does not select ``a.bmp.png``."""
        return image_key.startswith(self.beginning) if self.is_prefix else image_key == self.beginning

    def has_document(self, key: str, prefix: str) -> bool:
        """Whether a key below one of the prefixes of ``DOCUMENTS`` is of a document of a selected image.

        The key is the prefix, the image's key, and ``.json``.
        """
        image_key, full_stop, suffix = key.removeprefix(prefix).rpartition(".")
        return bool(full_stop) and suffix == "json" and self.has(image_key)
