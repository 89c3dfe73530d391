//! The plot of the limit: throughput over clients.

use std::{fs, path::Path};

use evaluation::plots::{
    AxisSpec, PlotFrame,
    lines::{LinePlot, PlotLine, Role},
};

use crate::{
    BenchResult,
    figures::PartFigures,
    parts::limit::{CLIENTS, THROUGHPUT},
};

const METHODS: [&str; 4] = ["baseline", "mc_dropout", "ensemble", "tta"];

/// Writes `throughput.svg`: a line per method with the range over the rounds, and the bare loop as 1.
pub(crate) fn draw(figures: &PartFigures, folder: &Path) -> BenchResult {
    let mut lines = vec![PlotLine {
        name: Some("bare loop that decodes".to_owned()),
        role: Role::Reference,
        points: vec![(0.0, 1.0), (7.0, 1.0)],
        band: Vec::new(),
    }];
    lines.extend(
        METHODS
            .iter()
            .enumerate()
            .map(|(index, method)| line(figures, index, method)),
    );
    let highest = lines
        .iter()
        .flat_map(|line| &line.band)
        .map(|(_, _, high)| *high);
    let plot = LinePlot {
        frame: PlotFrame {
            name: "throughput".to_owned(),
            title: "Server over HTTP / bare loop".to_owned(),
            description: "Images per second of the running server as a share of a bare loop over the same sessions, \
                          for each method, over the number of clients."
                .to_owned(),
        },
        x: AxisSpec::new("concurrent clients, as a power of 2", 0.0, 7.0),
        y: AxisSpec::new(
            "throughput: server / loop",
            0.0,
            highest.fold(1.05, f64::max),
        ),
        lines,
        notes: Vec::new(),
        notes_at_top: false,
    };
    let path = folder.join("throughput.svg");
    fs::write(&path, plot.draw().svg)?;
    println!("written: {}", path.display());
    Ok(())
}

fn line(figures: &PartFigures, index: usize, method: &str) -> PlotLine {
    let at = |clients: usize| {
        Some((
            (clients as f64).log2(),
            figures.get(&format!("{method}, {clients} clients"), THROUGHPUT)?,
        ))
    };
    let measured: Vec<_> = CLIENTS.into_iter().filter_map(at).collect();
    PlotLine {
        name: Some(method.to_owned()),
        role: Role::Series(index),
        points: measured
            .iter()
            .map(|(x, figure)| (*x, figure.median()))
            .collect(),
        band: measured
            .iter()
            .map(|(x, figure)| (*x, figure.least(), figure.most()))
            .collect(),
    }
}
