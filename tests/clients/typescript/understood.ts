// Prints the values that a client read; generated.py compares them with plain requests. The types
// name the members that are used, so the generators' types must fit.

interface Prediction {
  prediction: { label: string };
  decision: { action: string };
  uncertainty: object;
}

interface Problem {
  type: string;
  status: number;
}

interface Field {
  cells: { prediction: Prediction | null; problem: Problem | null }[];
}

export function report(answer?: Prediction, refused?: Problem, field?: Field): void {
  if (!answer || !refused || !field) throw new Error("not what was expected");
  const said = {
    label: answer.prediction.label,
    action: answer.decision.action,
    uncertainty: answer.uncertainty,
    problem: { type: refused.type, status: refused.status },
    field: field.cells.map((cell) => cell.prediction?.prediction.label ?? cell.problem?.type),
  };
  console.log(JSON.stringify(said));
}
