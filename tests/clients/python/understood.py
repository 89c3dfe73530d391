"""Prints the values that a client read; generated.py compares them with plain requests."""

import json


def report(answer, refused, field, kind: str) -> None:
    """`kind` is the generator's name for the member `type`, which Python reserves."""
    found = [
        cell.prediction.prediction.label if cell.prediction else getattr(cell.problem, kind) for cell in field.cells
    ]
    said = {
        "label": answer.prediction.label,
        "action": answer.decision.action.value,
        "uncertainty": answer.uncertainty.to_dict(),
        "problem": {"type": getattr(refused, kind), "status": refused.status},
        "field": found,
    }
    print(json.dumps(said))
