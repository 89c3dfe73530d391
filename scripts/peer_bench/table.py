"""From the harness' lines to one table in Markdown, and to the targets of ours."""

import statistics

CLIENTS = (1, 8, 32)
OURS = "ours"


def median(values):
    values = [value for value in values if value is not None]
    return statistics.median(values) if values else None


def number(value, digits=2):
    return "–" if value is None else f"{value:.{digits}f}"


class Results:
    """The lines of a run."""

    def __init__(self, lines):
        self.lines = lines
        self.raw = [line for line in lines if line["peer"] == "raw" and line["tag"] != "grid"]

    def of(self, peer, kind, clients=None):
        """Lines of the interleaved rounds."""
        return [
            line for line in self.lines
            if line["peer"] == peer and line.get("kind") == kind and isinstance(line.get("round"), int) and clients in (None, line.get("conc"))
        ]

    def around(self, peer, line):
        """Throughput and CPU of the raw loop, the mean of just before and just after."""
        tag = f"mid_{peer}" if line["conc"] == 32 else f"before_{peer}"
        for index, raw in enumerate(self.raw):
            if (raw["round"], raw["tag"]) == (line["round"], tag):
                pair = self.raw[index:index + 2]
                return (sum(raw[key] for raw in pair) / len(pair) for key in ("rps", "cpu_ms_img"))
        return (None, None)

    def ratios(self, peer, clients):
        """By round: throughput / raw loop, and the raw loop's CPU per image / the server's."""
        throughput, cpu = {}, {}
        for line in self.of(peer, "closed", clients):
            rate, cost = self.around(peer, line)
            if rate and line["cpu_ms_img"]:
                throughput[line["round"]], cpu[line["round"]] = line["rps"] / rate, cost / line["cpu_ms_img"]
        return throughput, cpu

    def alone_ms(self):
        """Median time of an image in the raw loop that uses all cores for one image."""
        whole = {"tag": "grid", "mode": "full", "procs": 1, "batch": 1}
        lines = [line for line in self.lines if line["peer"] == "raw" and all(line[key] == value for key, value in whole.items())]
        return median([line["p50_ms"] for line in lines])

    def figures(self, peer):
        """Medians over the rounds."""
        start, loaded = self.of(peer, "start"), self.of(peer, "mem_loaded")
        return {
            "cpu": {c: median(self.ratios(peer, c)[1].values()) for c in CLIENTS},
            "throughput": {c: median(self.ratios(peer, c)[0].values()) for c in CLIENTS},
            "images_s": {c: median([line["rps"] for line in self.of(peer, "closed", c)]) for c in CLIENTS},
            "p50": {c: median([line["p50_ms"] for line in self.of(peer, "closed", c)]) for c in CLIENTS},
            "p99": {c: median([line["p99_ms"] for line in self.of(peer, "closed", c)]) for c in CLIENTS},
            "start_s": median([line.get("first_answer_s") for line in start]),
            "idle_mb": median([line.get("rss_mb") for line in start]),
            "loaded_mb": median([line.get("rss_mb") for line in loaded]),
            **self.flood(peer),
        }

    def flood(self, peer):
        """Goodput and capacity.

        The capacity is the images per second of 32 clients. The goodput is the answers within a
        second at three times the capacity, as a share of it.
        """
        lines = [line for line in self.lines if line["peer"] == peer and line.get("kind") == "open" and line["cap"]]
        last = lines[-1] if lines else None
        return {"goodput": last and last["goodput"] / last["cap"], "capacity_s": last and last["cap"]}

    def fifty(self):
        """Jobs per second and CPU per job, for each way to do the job."""
        ways = {}
        for line in self.lines:
            if line.get("kind") == "fifty":
                ways.setdefault(line["way"], []).append(line)
        return {way: (median([line["jobs_s"] for line in lines]), median([line["cpu_ms_job"] for line in lines])) for way, lines in ways.items()}


def joined(values, digits):
    return " / ".join(number(value, digits) for value in values.values())


def of_capacity(found):
    """The goodput with its capacity, which differs between servers.

    32 clients that return at once keep a server that refuses them from its work.
    """
    return "–" if found["goodput"] is None else f"{number(found['goodput'])} of {number(found['capacity_s'], 0)}/s"


def markdown(results, names, problems, versions):
    """The table. A peer that was not measured has a line with the reason."""
    lines = [
        "| server | CPU per image, raw loop ÷ server, at 1 / 8 / 32 clients | throughput ÷ raw loop | images/s | p50 ms | p99 ms | goodput at 3 × capacity, as a share of it, and what it was | start to first answer s | MB idle / loaded |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name in names:
        if name in problems:
            lines.append(f"| {name} | {problems[name]} |||||||")
            continue
        found = results.figures(name)
        version = f" {versions[name]}" if versions.get(name) else ""
        lines.append(
            f"| {name}{version} | {joined(found['cpu'], 2)} | {joined(found['throughput'], 2)} | {joined(found['images_s'], 1)} "
            f"| {joined(found['p50'], 0)} | {joined(found['p99'], 0)} | {of_capacity(found)} | {number(found['start_s'])} "
            f"| {number(found['idle_mb'], 0)} / {number(found['loaded_mb'], 0)} |"
        )
    lines += ["", "| fifty passes on one image | jobs/s | CPU ms a job |", "|---|---|---|"]
    lines += [f"| {way} | {number(jobs)} | {number(cpu, 0)} |" for way, (jobs, cpu) in results.fifty().items()]
    return "\n".join(lines)


def verdicts(results, names):
    """The targets of ours against the best peer, and whether they were reached."""
    peers = {name: results.figures(name) for name in names if name != OURS and results.of(name, "closed")}
    if not peers or not results.of(OURS, "closed"):
        return ["nothing to compare: ours or every peer was not measured"]
    mine, said = results.figures(OURS), []

    def say(what, value, limit, reached):
        said.append(f"{'reached' if reached else 'MISSED'}: {what}: {number(value)}, target {limit}")

    for clients in (8, 32):
        best = max(found["cpu"][clients] or 0 for found in peers.values())
        value = mine["cpu"][clients]
        say(f"CPU per image at {clients} clients, raw loop ÷ ours", value, "≥ 0.97", value >= 0.97)
        say(f"the same ÷ that of the best peer ({number(best)})", value / best, "above 1", value > best)
        value = mine["throughput"][clients]
        say(f"throughput at {clients} clients ÷ the raw loop's", value, "≥ 0.95", value >= 0.95)
    alone = results.alone_ms()
    if alone:
        value = mine["p50"][1] / alone
        say("p50 at one client ÷ that of the raw loop with all cores for an image", value, "≤ 1.10", value <= 1.10)
    for clients in CLIENTS:
        name, ratio = slowest_lead(results, peers, clients)
        say(f"throughput at {clients} clients, ours ÷ the best peer's ({name}), paired by round", ratio, "above 1", ratio > 1)
    best = min(found["p99"][8] for found in peers.values())
    say(f"p99 at 8 clients ÷ the best peer's ({number(best, 0)} ms)", mine["p99"][8] / best, "≤ 0.7", mine["p99"][8] <= 0.7 * best)
    if mine["goodput"] is not None:
        say("goodput within a second at 3 × capacity", mine["goodput"], "≥ 0.95", mine["goodput"] >= 0.95)
    fifty = results.fifty()
    theirs = [jobs for way, (jobs, _) in fifty.items() if not way.startswith(OURS)]
    ours = [jobs for way, (jobs, _) in fifty.items() if way.startswith(OURS)]
    if theirs and ours:
        ratio = max(ours) / max(theirs)
        say("fifty-pass jobs per second ÷ the fastest peer's", ratio, "≥ 30", ratio >= 30)
    return said


def slowest_lead(results, peers, clients):
    """The fastest peer, and the median over the rounds of ours ÷ its throughput.

    Both throughputs are shares of the raw loop.
    """
    mine = results.ratios(OURS, clients)[0]
    leads = {}
    for name in peers:
        theirs = results.ratios(name, clients)[0]
        lead = median([mine[number] / theirs[number] for number in mine if number in theirs])
        if lead is not None:
            leads[name] = lead
    return min(leads.items(), key=lambda item: item[1]) if leads else ("none", float("nan"))
