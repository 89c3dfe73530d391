"""What a client prints of what it understood; generated.py holds it against plain requests."""

import json


def report(answer, refused, field, kind: str) -> None:
    """`kind` is what the generator made of the member `type`, a word that Python has already."""
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
