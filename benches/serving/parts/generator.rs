//! The cost of the load generator, measured with requests that cost the server almost nothing.

use crate::{
    BenchResult, client::get, closed_loop::measure as load, figures::PartFigures,
    server::RunningServer, setting::Setting,
};

pub(crate) fn measure(setting: &Setting) -> BenchResult<PartFigures> {
    let options = &setting.options;
    let mut figures = PartFigures::new("The load generator's own cost: GET /health/live");
    let server = RunningServer::start()?;
    let request = [get("/health/live")];
    for _ in 0..options.rounds {
        for clients in super::limit::CLIENTS {
            let measured = load(&server, &request, clients, options.seconds)?;
            let subject = format!("{clients} clients");
            let mut noted = figures.of(&subject);
            noted.note("answers/s", measured.load.rate());
            noted.note("generator's CPU ms/answer", measured.generator_cpu_ms);
            noted.note("server's CPU ms/answer", measured.cpu_ms);
        }
    }
    Ok(figures)
}
