"""The work of one reviewer at one place: the queue, the cards, answers and undo."""

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from infra.errors import InfraError
from infra.review import answering, cards
from infra.review.answering import Choice, Conflict, StandingLabel, is_missing, read_label, read_result
from infra.review.attention import Attention, BackgroundReads
from infra.review.comparison import measures
from infra.review.labelled import LabelledCells
from infra.review.pictures import NoPictureError, Pictures, outline_png, to_png
from infra.review.places import Place
from infra.review.policy import ModelView
from infra.review.refreshing import Refresher
from infra.review.waiting import WaitingCells
from infra.review.words import DRAWN
from lambda_fn import labels
from lambda_fn.keys import RESULTS, flag_key, image_key, result_key
from lambda_fn.labels import Answer, LabelDocument, LabelledImage
from lambda_fn.results import ImageFacts, ResultDocument

# Undo waits for labels that are still being read, at most this long, in seconds.
_WAIT_SECONDS: Final = 20.0


class GoneError(InfraError):
    """The image, or its result, was deleted."""


class StaleCardError(InfraError):
    """The image was replaced or scored again since the card was shown."""


@dataclass(frozen=True)
class GivenAnswer:
    """An answer as the page sends it.

    Attributes:
        label: the class, or that it cannot be said.
        version: the card's version.
        seen: entity tag of the label document on the card; None if there was none.
        seconds: time from the image to the answer.
        map_shown: whether the map lay over the image at any time.
        comment: a remark, empty for none.
        choice: whose label stands, after a conflict.
    """

    label: Answer
    version: str
    seen: str | None
    seconds: float | None
    map_shown: bool
    comment: str
    choice: Choice | None


class Desk:
    """The work of one reviewer at one place.

    Attributes:
        place: images and documents.
        reviewer: the name under which answers are written.
        blind: whether nothing of the model's view is shown before the answer, also of flags.
        reviewers: number of people who are to answer each cell, without seeing what the others said.
        view: what is known of the model.
        waiting: the flags.
        labelled: the labels.
        refresher: keeps flags and labels current.
        audits_answered: number of answers to audited cells that were written at this desk, or taken back.
        attention: holds background reads back while the page waits.
        background: reads in the background.
    """

    def __init__(
        self, place: Place, reviewer: str, view: ModelView, *, blind: bool = False, reviewers: int = 1
    ) -> None:
        """Open the desk; nothing is read before ``refresher.start``."""
        self.place, self.reviewer, self.view, self.blind = place, reviewer, view, blind
        self.reviewers = reviewers
        self.attention = Attention()
        self.background = BackgroundReads(place, self.attention)
        self.waiting, self.labelled = WaitingCells(self.background), LabelledCells(self.background)
        self.labelled.on_result = self._know_second
        self.refresher = Refresher(place, self.waiting, self.labelled, labels_of_others=reviewers > 1)
        self._secret = secrets.token_bytes(32)
        self._keys: dict[str, str] = {}
        self._drawn: set[str] = set()
        self.audits_answered = 0
        self._pictures = Pictures()

    def id_of(self, key: str) -> str:
        """The name of an image in addresses; it says nothing about the key, and changes with every start."""
        encoded = key.encode(errors="surrogatepass")
        identity = hmac.new(self._secret, encoded, sha256).hexdigest()[:24]
        self._keys[identity] = key
        return identity

    def key_of(self, identity: str) -> str:
        """The key of an image by its name in addresses.

        Raises:
            GoneError: there is no such name.
        """
        if identity not in self._keys:
            raise GoneError("the program was started again since this page was opened: reload the page.")
        return self._keys[identity]

    def is_blind(self, key: str, result: ResultDocument, document: LabelDocument | None) -> bool:
        """Whether nothing of the model's view may be shown yet. Once a reviewer has answered, there is no way back."""
        if document and labels.has_answered(document, self.reviewer, result["image"]):
            return False
        return self.blind or self._is_audit(key, result)

    def is_second(self, document: LabelDocument | None) -> bool:
        """Whether others have answered, and this reviewer is to answer without seeing that."""
        if document is None or document["label"] is None or self.reviewers == 1:
            return False
        return is_missing(document, self.reviewer, self.reviewers)

    def _is_audit(self, key: str, result: ResultDocument) -> bool:
        return key in self._drawn or labels.queue_of(result["review"]["reasons"]) == "audit"

    def draw_audits(self, count: int) -> int:
        """Draw decided cells by chance for an audit, and add them to the queue; returns how many there were to draw.

        Every result without a flag, a label and an answer in this round is as likely as any other. To list the results
        takes a request for each thousand of them.
        """
        keys = [image_key(entry.key) for entry in self.place.list_documents(RESULTS) if entry.key.endswith(".json")]
        left_out = self.labelled.keys | {cell.key for cell in self.waiting.all()}
        pool = [key for key in keys if key not in left_out]
        secrets.SystemRandom().shuffle(pool)
        drawn = 0
        for key in pool:
            stored = self.place.read(result_key(key))
            result = read_result(stored) if stored else None
            if result and result["decision"] != "review":
                self._drawn.add(key)
                self.waiting.add(key, result, drawn=True)
                drawn += 1
            if drawn == count:
                break
        return drawn

    def card(self, key: str) -> dict[str, Any]:
        """The card of an image.

        Raises:
            GoneError: there is no result any more.
        """
        standing = read_label(self.place, key)
        return self._card(key, self._result(key), standing)

    def answer(self, key: str, given: GivenAnswer) -> tuple[bool, dict[str, Any]]:
        """Write an answer.

        Returns:
            Whether it was written, and the card with everything that is known now; of an answer that was not written,
            the card has ``conflict``, the label that stands.

        Raises:
            GoneError: there is no result any more.
            StaleCardError: the card shows another version, or no picture to decide on.
            UnsavedAnswerError: the answer could not be written.
        """
        result = self._result(key)
        if cards.version_of(result) != given.version:
            raise StaleCardError("the image was replaced or scored again since this card was shown: look again.")
        if given.label != "cannot_say" and not cards.can_decide(result):
            raise StaleCardError("there is no picture of this image, so its class cannot be told.")
        before = read_label(self.place, key)
        blind = self.is_blind(key, result, before.document if before else None)
        entry = labels.entry(
            result,
            given.label,
            self.reviewer,
            seconds=given.seconds,
            shown={"probability": not blind, "map": given.map_shown and not blind, "blind": blind},
            comment=given.comment,
            drawn=key in self._drawn,
        )
        outcome = answering.record(self.place, key, entry, given.seen, given.choice, reviewers=self.reviewers)
        standing = outcome.standing
        if isinstance(outcome, Conflict):
            conflict = cards.label_facts(standing.document, result)
            return False, {"id": self.id_of(key), "etag": standing.etag, "conflict": conflict}
        self.waiting.remove(key)
        self.audits_answered += entry["queue"] == "audit"
        self.labelled.put(key, standing.document, measures(result["morphology"]))
        return True, self._card(key, result, standing)

    def undo(self) -> str | None:
        """Take back the reviewer's last answer that stands; returns the image's key, or None if none stands.

        Raises:
            UnsavedAnswerError: the label could not be written.
        """
        self.refresher.wait_for_labels(_WAIT_SECONDS)
        for key in self.labelled.last_of(self.reviewer):
            taken = answering.take_back(self.place, key, self.reviewer)
            standing = taken or read_label(self.place, key)
            if standing:
                self.labelled.put(key, standing.document)
            if taken:
                self.audits_answered += taken.document["queue"] == "audit"
                self._know_flag(key)
                return key
        return None

    def picture(self, key: str, kind: str) -> bytes:
        """The image as PNG, or the ``outline`` of its cell.

        Raises:
            NoPictureError: the image is gone, was replaced since it was scored, or cannot be decoded.
        """
        image = self._image(key)
        name = (key, kind, str(image["sha256"]), str(image["version_id"]))
        make: Callable[..., bytes] = outline_png if kind == "outline" else to_png
        return self._pictures.get(name, lambda: make(self._file(key, image), self.view.manifest.limits))

    def _file(self, key: str, image: ImageFacts | LabelledImage) -> bytes:
        data = self.place.read_image(key, image["version_id"])
        if data is None:
            raise NoPictureError("The image was deleted.")
        if image["sha256"] and sha256(data).hexdigest() != image["sha256"]:
            raise NoPictureError("The image was replaced since it was scored: score it again.")
        return data

    def _image(self, key: str) -> ImageFacts | LabelledImage:
        cell, document = self.waiting.get(key), self.labelled.get(key)
        if cell:
            return cell.image
        return document["image"] if document else self._result(key)["image"]

    def _card(self, key: str, result: ResultDocument, standing: StandingLabel | None) -> dict[str, Any]:
        identity = self.id_of(key)
        document = standing.document if standing else None
        if self.is_blind(key, result, document):
            return cards.blind_card(identity, key, result, standing)
        library = [cell for cell in self.labelled.measured() if not self.is_second(cell[1])]
        card = cards.full_card(identity, key, result, standing, self.view, library, self.id_of)
        if document and self.is_second(document) and labels.answers(document, result["image"]):
            card |= {"labels": None, "second": True}
        if key in self._drawn:
            card |= {"audit": True, "reasons": [DRAWN]}
        return card

    def _result(self, key: str) -> ResultDocument:
        for document_key in (flag_key(key), result_key(key)):
            stored = self.place.read(document_key)
            result = read_result(stored) if stored else None
            if result:
                return result
        self.waiting.remove(key)
        raise GoneError("the image or its result was deleted.")

    def _know_second(self, key: str, document: LabelDocument, result: ResultDocument) -> None:
        """Put a cell that others have answered into the queue, or take it out."""
        cell = self.waiting.get(key)
        if labels.answers(document, result["image"]) and self.is_second(document):
            self.waiting.add(key, result, second=True)
        elif cell and cell.second:
            self.waiting.remove(key)

    def _know_flag(self, key: str) -> None:
        stored = self.place.read(flag_key(key))
        result = read_result(stored) if stored else None
        if result:
            self.waiting.add(key, result)
        elif key in self._drawn:
            self.waiting.add(key, self._result(key), drawn=True)
        elif document := self.labelled.get(key):
            self._know_second(key, document, self._result(key))
