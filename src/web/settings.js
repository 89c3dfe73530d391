// The settings of a request: model, method, policy, scale.

import { find, make, show } from "./dom.js";
import * as server from "./ask.js";
import { methodName, methodHow } from "./words.js";

let current = null;

export const model = () => current;

/// Loads the list of models, and shows what the first ready one offers.
export async function load() {
  const models = await server.models();
  const ready = models.find((entry) => entry.ready) ?? models[0];
  find("model").replaceChildren(...models.map(({ name }) => make("option", { value: name, selected: name === ready.name }, name)));
  await choose(ready.name);
}

/// Chooses a model, and shows what it offers.
export async function choose(name) {
  current = await server.model(name);
  const methods = current.methods;
  // Several samples say more about uncertainty than one, and dropout costs next to nothing.
  const first = methods.includes("mc_dropout") ? "mc_dropout" : methods[0];
  const option = (method) => make("option", { value: method, selected: method === first }, `${methodName(method)}: ${methodHow(method)}`);
  find("method").replaceChildren(...methods.map(option));
  listPolicies();
}

/// Lists policies that accept something, the default first. Without a default policy, every cell is
/// referred unless a policy is chosen.
export function listPolicies() {
  const usable = current.policies.filter((policy) => policy.method === find("method").value && policy.threshold !== null);
  const [unasked, others] = [usable.filter((policy) => policy.default), usable.filter((policy) => !policy.default)];
  const option = (policy) => make("option", { value: policy.name }, policy.promise);
  const referAll = make("option", { value: "" }, "no promise: every cell needs a second look");
  find("policy").replaceChildren(...(unasked.length ? unasked.map(option) : [referAll]), ...others.map(option));
  showCaveat();
}

/// The limitation of the chosen promise.
export function showCaveat() {
  const [method, name] = [find("method").value, find("policy").value];
  const { caveat } = current.policies.find((policy) => policy.method === method && policy.name === name) ?? {};
  find("policy-caveat").textContent = caveat ? `Note: ${caveat}.` : "";
  show(find("policy-caveat"), Boolean(caveat));
}

export const showScale = (isField) => document.querySelectorAll(".of-field").forEach((element) => show(element, isField));

/// The edge of the square around a nucleus, in pixels of the field.
export function cropEdge() {
  const { crop_edge_px: edge, source_width_px: source } = current.input;
  const width = Number(find("width").value);
  return width > 0 && source ? Math.round((edge * width) / source) : edge;
}

const others = (method) => current.methods.filter((other) => other !== method);

/// The query for one cell: every method, and pictures of the augmented views.
export function cellQuery() {
  const query = base();
  query.append("include", "views");
  for (const method of others(find("method").value)) query.append("compare", method);
  return query;
}

/// The query for a field. Augmented views are optional, because each costs a pass of the network.
/// Their pictures are for a single cell.
export function fieldQuery({ pictures = false } = {}) {
  const query = base();
  const views = pictures || find("all-methods").checked;
  for (const method of others(find("method").value)) if (method !== "tta" || views) query.append("compare", method);
  if (pictures) query.append("include", "views");
  const width = Number(find("width").value);
  if (width > 0) query.append("source_width_px", String(width));
  return query;
}

function base() {
  const query = new URLSearchParams({ model: current.name, method: find("method").value, include: "samples" });
  if (find("policy").value) query.append("policy", find("policy").value);
  return query;
}

/// The policy that decided an answer; undefined if there was none.
export const policyOf = (answer) => current.policies.find((policy) => policy.method === answer.method && policy.name === answer.decision.policy);
