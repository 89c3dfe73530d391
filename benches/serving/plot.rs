//! The plot: throughput over clients.

use std::{fs, path::Path};

use evaluation::plots::{
    AxisSpec, PlotFrame,
    lines::{LinePlot, PlotLine, Role},
};

use bundle::Method;

use crate::{
    BenchResult,
    figures::PartFigures,
    parts::limit::{CLIENTS, THROUGHPUT},
};

/// Writes `throughput.svg`: a line per method with the range over the rounds, and the bare loop as
/// 1.
pub(crate) fn draw(figures: &PartFigures, folder: &Path) -> BenchResult {
    let mut lines = vec![PlotLine {
        name: Some("bare loop that decodes".to_owned()),
        role: Role::Reference,
        points: vec![(0.0, 1.0), (7.0, 1.0)],
        band: Vec::new(),
    }];
    let methods = Method::ALL.into_iter().enumerate();
    lines.extend(methods.map(|(index, method)| line(figures, index, method)));
    let bands = lines.iter().flat_map(|line| &line.band);
    let highest = bands.map(|(_, _, high)| *high).fold(1.05, f64::max);
    let plot = LinePlot {
        frame: PlotFrame {
            name: "throughput".to_owned(),
            title: "Server over HTTP / bare loop".to_owned(),
            description: "Images per second of the running server as a share of a bare loop over the same sessions, \
                          for each method, over the number of clients."
                .to_owned(),
        },
        x: AxisSpec::new("concurrent clients, as a power of 2", 0.0, 7.0),
        y: AxisSpec::new("throughput: server / loop", 0.0, highest),
        lines,
        notes: Vec::new(),
        notes_at_top: false,
    };
    let path = folder.join("throughput.svg");
    fs::write(&path, plot.draw().svg)?;
    println!("written: {}", path.display());
    Ok(())
}

fn line(figures: &PartFigures, index: usize, method: Method) -> PlotLine {
    let at = |clients: usize| {
        let figure = figures.get(&format!("{method}, {clients} clients"), THROUGHPUT)?;
        Some(((clients as f64).log2(), figure))
    };
    let measured: Vec<_> = CLIENTS.into_iter().filter_map(at).collect();
    let points = measured.iter().map(|(x, of)| (*x, of.median()));
    let band = measured.iter().map(|(x, of)| (*x, of.least(), of.most()));
    PlotLine {
        name: Some(method.to_string()),
        role: Role::Series(index),
        points: points.collect(),
        band: band.collect(),
    }
}
