//! Every method at several numbers of clients, against the bare loop.

use bundle::Method;

use crate::{
    BenchResult,
    bare::{BareLoop, Decoding, Reached},
    client::predictions,
    closed_loop::{LoadCost, measure as load},
    figures::{
        PartFigures,
        RequiredValue::{AtLeast, AtMost},
    },
    process::memory,
    server::RunningServer,
    setting::Setting,
};

pub(crate) const CLIENTS: [usize; 4] = [1, 8, 32, 128];
/// Column of the plot.
pub(crate) const THROUGHPUT: &str = "throughput: server / loop";
const CPU: &str = "CPU per image: loop / server";
const LATENCY: &str = "p50: server / loop";

/// The loop in one round, just before and just after the server was measured.
struct Loops {
    parallel: Reached,
    parallel_ready: Reached,
    alone: Reached,
    alone_ready: Reached,
}

pub(crate) fn measure(setting: &Setting) -> BenchResult<PartFigures> {
    let options = &setting.options;
    let mut bare = setting.bare_loop()?;
    let server = RunningServer::start()?;
    let mut figures = PartFigures::new(format!(
        "The server against a bare loop over the same sessions, {} px (it decodes unless stated)",
        setting.bundle.manifest().input.size
    ));
    for _ in 0..options.rounds {
        let mut baseline = None;
        for method in setting.bundle.manifest().offered_methods() {
            let loops = Loops::run(&mut bare, method, options.seconds)?;
            let requests = predictions(&query(method), "", &setting.images);
            let mut served = Vec::new();
            for clients in CLIENTS {
                served.push((clients, load(&server, &requests, clients, options.seconds)?));
            }
            let after = bare.parallel(method, Decoding::Within, options.seconds)?;
            let loops = loops.averaged_with(&after);
            let costs = note(&mut figures, method, served, &loops);
            let subject = format!("{method}, 128 clients");
            let resident_mb = memory(server.id())?.now_mb;
            figures.of(&subject).note("resident MB", resident_mb);
            let baseline = *baseline.get_or_insert(costs);
            note_against_baseline(&mut figures, method, costs, baseline);
        }
    }
    Ok(figures)
}

/// All views, as the loop takes them. Bulk, since an interactive request would be refused.
fn query(method: Method) -> String {
    match method {
        Method::Tta => format!("method={method}&exact=true&priority=bulk"),
        _ => format!("method={method}"),
    }
}

impl Loops {
    fn run(bare: &mut BareLoop, method: Method, seconds: f64) -> BenchResult<Self> {
        Ok(Self {
            parallel_ready: bare.parallel(method, Decoding::Before, seconds)?,
            alone_ready: bare.alone(method, Decoding::Before, seconds)?,
            alone: bare.alone(method, Decoding::Within, seconds)?,
            parallel: bare.parallel(method, Decoding::Within, seconds)?,
        })
    }

    fn averaged_with(mut self, after: &Reached) -> Self {
        self.parallel.rate = 0.5 * (self.parallel.rate + after.rate);
        self.parallel.cpu_ms = 0.5 * (self.parallel.cpu_ms + after.cpu_ms);
        self
    }
}

/// What a method costs in one round.
#[derive(Clone, Copy)]
struct Costs {
    /// At eight clients.
    cpu_ms: f64,
    /// At one client.
    latency_ms: f64,
}

fn note(
    figures: &mut PartFigures,
    method: Method,
    served: Vec<(usize, LoadCost)>,
    loops: &Loops,
) -> Costs {
    let mut costs = Costs {
        cpu_ms: f64::NAN,
        latency_ms: f64::NAN,
    };
    note_loops(figures, method, loops);
    for (clients, cost) in served {
        let LoadCost {
            mut load,
            cpu_ms,
            generator_cpu_ms,
        } = cost;
        let (rate, latency_ms) = (load.rate(), load.latency_ms(0.5));
        let of_baseline = |clients: bool| clients && method == Method::Baseline;
        let is_asked = of_baseline(matches!(clients, 8 | 32));
        // With more clients than cores, the loop would serve them in turn.
        let limit_ms = match clients {
            1 => loops.alone.latency_ms,
            _ => 1e3 * clients as f64 / loops.parallel.rate,
        };
        let subject = format!("{method}, {clients} clients");
        let mut noted = figures.of(&subject);
        noted.note("images/s", rate);
        let asked = is_asked.then_some(AtLeast(0.95));
        noted.add(THROUGHPUT, asked, rate / loops.parallel.rate);
        let ready = rate / loops.parallel_ready.rate;
        noted.note("the same, inputs ready", ready);
        noted.note("CPU ms/image", cpu_ms);
        let asked = is_asked.then_some(AtLeast(0.97));
        noted.add(CPU, asked, loops.parallel.cpu_ms / cpu_ms);
        noted.note("p50 ms", latency_ms);
        noted.note("p99 ms", load.latency_ms(0.99));
        let asked = of_baseline(clients == 1).then_some(AtMost(1.10));
        noted.add(LATENCY, asked, latency_ms / limit_ms);
        noted.note("refused", load.refused_share());
        noted.note("failed", load.failed as f64);
        noted.note("generator's CPU ms/image", generator_cpu_ms);
        match clients {
            1 => costs.latency_ms = latency_ms,
            8 => costs.cpu_ms = cpu_ms,
            _ => {}
        }
    }
    costs
}

fn note_loops(figures: &mut PartFigures, method: Method, loops: &Loops) {
    for (name, reached) in [
        ("a thread per core", &loops.parallel),
        ("a thread per core, inputs ready", &loops.parallel_ready),
        ("all cores for one image", &loops.alone),
        ("all cores for one image, inputs ready", &loops.alone_ready),
    ] {
        let subject = format!("{method}, loop, {name}");
        let mut noted = figures.of(&subject);
        noted.note("images/s", reached.rate);
        noted.note("CPU ms/image", reached.cpu_ms);
        noted.note("p50 ms", reached.latency_ms);
    }
}

fn note_against_baseline(figures: &mut PartFigures, method: Method, costs: Costs, baseline: Costs) {
    let limit = match method {
        Method::Baseline => return,
        Method::McDropout => Some(AtMost(1.05)),
        Method::Ensemble => Some(AtMost(1.10)),
        // `tta` runs all views here; the part `stopping` measures early stopping.
        Method::Tta => None,
    };
    let subject = format!("{method} / baseline");
    let mut noted = figures.of(&subject);
    let cpu = costs.cpu_ms / baseline.cpu_ms;
    noted.add("CPU per image, 8 clients", limit, cpu);
    let latency = costs.latency_ms / baseline.latency_ms;
    noted.add("p50, 1 client", limit, latency);
}
