"""Parts of FHIR R4 resources (https://hl7.org/fhir/R4/) as plain JSON values."""

import json
from typing import Any, Final
from uuid import UUID, uuid5

# A part of a resource.
Part = dict[str, Any]

# No code of LOINC fits: 26446-5 and 709-6 count blasts among 100 leukocytes, and the images of a report are those that
# somebody uploaded.
CODES: Final = "urn:cellflag:report:1"
# The model's digest, and the prefix of the images' keys, which the laboratory maps to its own subject.
DIGESTS, PREFIXES = "urn:cellflag:model-sha256", "urn:cellflag:prefix"
_NAMESPACE = UUID("a3b1f3b4-6d0b-5b52-9c1e-6f7f3a0c54d1")
_UNITS = "http://unitsofmeasure.org"
# "Artificial Intelligence asserted", the label that HL7's guide "AI Transparency on FHIR" puts on what a model states.
AI_ASSERTED: Final = {
    "security": [
        {
            "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
            "code": "AIAST",
            "display": "Artificial Intelligence asserted",
        }
    ]
}


def full_url(*names: str) -> str:
    """Return the URL of a resource in a bundle, which follows from its names and from nothing else."""
    return f"urn:uuid:{uuid5(_NAMESPACE, json.dumps(names))}"


def local_code(code: str, text: str) -> Part:
    """Return a concept of cellflag's own code system."""
    return {"coding": [{"system": CODES, "code": code, "display": text}], "text": text}


def coded(system: str, code: str, display: str) -> Part:
    """Return a concept of a code system of HL7."""
    return {"coding": [{"system": f"http://terminology.hl7.org/CodeSystem/{system}", "code": code, "display": display}]}


def cells(count: int) -> Part:
    """Return a number of cells, in UCUM."""
    return {"value": count, "unit": "cells", "system": _UNITS, "code": "{cells}"}


def share(value: float) -> Part:
    """Return a share from 0 to 1, in UCUM."""
    return {"value": round(value, 4), "unit": "1", "system": _UNITS, "code": "1"}


def component(code: str, text: str, quantity: Part) -> Part:
    """Return a component of an observation."""
    return {"code": local_code(code, text), "valueQuantity": quantity}
