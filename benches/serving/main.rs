//! Compares the running server over HTTP with a bare loop over the same ONNX sessions and the same
//! images: `make bench-serving`.
//!
//! One process starts its own servers, sends requests as clients do, and runs the bare loop in turn
//! with them, so that a machine whose speed drifts slows both alike. A figure is the median over
//! the rounds of the values of each round. CPU per image (user and system time of the whole
//! process) is the figure that neighbours on the same machine disturb least. Results: a table on
//! standard output, `serving.json` and one plot.

mod bare;
mod cells;
mod client;
mod closed_loop;
mod figures;
mod machine;
mod open_loop;
mod options;
mod parts;
mod plot;
mod process;
mod server;
mod setting;
mod statistics;

use std::{error::Error, fs};

use clap::{Parser, ValueEnum};
use serde_json::json;

use figures::PartFigures;
use options::{BenchPart, Options};
use setting::Setting;

type BenchResult<T = ()> = Result<T, Box<dyn Error>>;

fn main() -> BenchResult {
    let setting = Setting::new(Options::parse())?;
    let options = &setting.options;
    fs::create_dir_all(&options.out)?;
    let machine = machine::describe();
    println!("{}", machine::in_words(&machine));
    let mut parts = Vec::new();
    let wanted = BenchPart::value_variants().iter();
    for part in wanted.filter(|part| options.wants(**part)) {
        let figures = measure(*part, &setting)?;
        figures.print();
        parts.push(figures);
        // Written after each part, so that an interrupted run keeps the parts before.
        let results = json!({
            "machine": machine,
            "rounds": options.rounds,
            "seconds": options.seconds,
            "parts": parts,
        });
        let path = options.out.join("serving.json");
        fs::write(path, serde_json::to_vec_pretty(&results)?)?;
    }
    println!("written: {}", options.out.join("serving.json").display());
    Ok(())
}

fn measure(part: BenchPart, setting: &Setting) -> BenchResult<PartFigures> {
    match part {
        BenchPart::Generator => parts::generator::measure(setting),
        BenchPart::Limit => {
            let figures = parts::limit::measure(setting)?;
            plot::draw(&figures, &setting.options.out)?;
            Ok(figures)
        }
        BenchPart::Start => parts::start::measure(setting),
        BenchPart::Overload => parts::overload::measure(setting),
        BenchPart::Fairness => parts::fairness::measure(setting),
        BenchPart::Cancellation => parts::cancellation::measure(setting),
        BenchPart::Field => parts::field::measure(setting),
        BenchPart::Stopping => parts::stopping::measure(setting),
        BenchPart::GpuAnswers => parts::gpu::compared(setting),
        BenchPart::GpuMethods => parts::gpu::methods(setting),
        BenchPart::GpuLayouts => parts::gpu::layouts(setting),
    }
}
