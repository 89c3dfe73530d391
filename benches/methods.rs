//! What the methods cost, as ratios measured in one run: `make bench`.
//!
//! Rounds are interleaved, so that a machine whose speed drifts slows every side alike; a figure is the median over the
//! rounds of the ratio, within a round, of the median times for an image. One worker with one thread, so that nothing but the work itself is compared.

use std::{error::Error, fs, path::Path, time::Instant};

use bytes::Bytes;
use ort::{session::Session, value::TensorRef};
use secondlook::{
    bundle::{Bundle, Method},
    config::EngineConfig,
    engine::{Engine, PredictRequest, Runtime, SessionOptions},
    imaging::{InputTensor, Limits, decode, resize},
};

const ROUNDS: usize = 9;
const PASSES_PER_ROUND: usize = 5;
const BUNDLE: &str = "models/cric-lite0";
const CROPS: &str = "tests/fixtures/imaging";

/// A figure with the limit that the project sets itself.
struct Ratio {
    what: &'static str,
    limit: f64,
    rounds: Vec<f64>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = Runtime::load(None)?;
    let bundle = Bundle::open(Path::new(BUNDLE))?;
    let config = EngineConfig {
        workers: 1,
        intra_threads: 1,
        ..EngineConfig::default()
    };
    let engine = Engine::start(&config, Limits::default(), &runtime, vec![bundle.clone()])?;
    let images = crops()?;
    let mut bare = BareLoop::open(&runtime, &bundle, &config, &images)?;
    let asynchronous = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .build()?;
    let serve = |method| -> Result<f64, Box<dyn Error>> {
        asynchronous.block_on(served(&engine, method, &images))
    };

    let mut ratios = [
        Ratio::new("mc_dropout (T = 50) / baseline", 1.15),
        Ratio::new("ensemble (K = 50) / baseline", 1.30),
        Ratio::new(
            "baseline, from encoded image to judged answer / bare loop over the same sessions, inputs ready",
            1.10,
        ),
    ];
    // The first round warms caches and clocks and is not counted.
    for round in 0..=ROUNDS {
        let loop_alone = bare.run()?;
        let baseline = serve(Method::Baseline)?;
        let mc_dropout = serve(Method::McDropout)?;
        let ensemble = serve(Method::Ensemble)?;
        if round > 0 {
            let measured = [
                mc_dropout / baseline,
                ensemble / baseline,
                baseline / loop_alone,
            ];
            for (ratio, value) in ratios.iter_mut().zip(measured) {
                ratio.rounds.push(value);
            }
        }
    }
    println!(
        "{ROUNDS} rounds of {PASSES_PER_ROUND} x {} images, one thread, bundle {BUNDLE}",
        images.len()
    );
    ratios.iter_mut().for_each(Ratio::print);
    Ok(())
}

impl Ratio {
    fn new(what: &'static str, limit: f64) -> Self {
        Self {
            what,
            limit,
            rounds: Vec::new(),
        }
    }

    fn print(&mut self) {
        let median = median(&mut self.rounds);
        let end = |value: Option<&f64>| value.copied().unwrap_or(f64::NAN);
        let (least, most) = (end(self.rounds.first()), end(self.rounds.last()));
        let verdict = if median <= self.limit {
            "within"
        } else {
            "ABOVE"
        };
        println!(
            "{median:.3} [{least:.3}, {most:.3}], {verdict} the limit of {:.2}: {}",
            self.limit, self.what
        );
    }
}

/// The real cell crops of the test fixtures.
fn crops() -> Result<Vec<Bytes>, Box<dyn Error>> {
    let mut files: Vec<_> = fs::read_dir(CROPS)?
        .flatten()
        .map(|entry| entry.path())
        .collect();
    files.sort();
    let is_crop = |path: &Path| {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        name.len() == "crop00.png".len() && name.starts_with("crop")
    };
    let crops = files.iter().filter(|path| is_crop(path));
    Ok(crops
        .map(|path| fs::read(path).map(Bytes::from))
        .collect::<Result<_, _>>()?)
}

/// Median seconds for an image, one request after the other.
async fn served(engine: &Engine, method: Method, images: &[Bytes]) -> Result<f64, Box<dyn Error>> {
    let mut seconds = Vec::new();
    for image in images.iter().cycle().take(images.len() * PASSES_PER_ROUND) {
        let request = PredictRequest {
            image: image.clone().into(),
            method: Some(method),
            ..PredictRequest::default()
        };
        let started = Instant::now();
        engine.predict(request).await?;
        seconds.push(started.elapsed().as_secs_f64());
    }
    Ok(median(&mut seconds))
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The trunk and the baseline's head, run on inputs that lie ready.
struct BareLoop {
    trunk: Session,
    head: Session,
    inputs: Vec<InputTensor>,
}

impl BareLoop {
    fn open(
        runtime: &Runtime,
        bundle: &Bundle,
        config: &EngineConfig,
        images: &[Bytes],
    ) -> Result<Self, Box<dyn Error>> {
        let options = SessionOptions {
            providers: &config.execution_providers,
            intra_threads: 1,
            keep_dropout: false,
        };
        let manifest = bundle.manifest();
        let (Some(trunk), Some(baseline)) = (&manifest.trunk, &manifest.methods.baseline) else {
            return Err("the bundle has no trunk or no baseline".into());
        };
        let input = &manifest.input;
        let ready = |image: &Bytes| -> Result<InputTensor, Box<dyn Error>> {
            let image = decode(image, &Limits::default())?;
            let mut tensor = InputTensor::with_capacity(input.size, input.size, 1)?;
            tensor.push(
                &resize(&image, input.size, input.size, input.resize)?,
                &input.normalisation,
            )?;
            Ok(tensor)
        };
        Ok(Self {
            trunk: runtime.session(&bundle.path_of(&trunk.file), &options)?,
            head: runtime.session(&bundle.path_of(&baseline.head.file), &options)?,
            inputs: images.iter().map(ready).collect::<Result<_, _>>()?,
        })
    }

    /// Median seconds for an image.
    fn run(&mut self) -> Result<f64, Box<dyn Error>> {
        let mut seconds = Vec::new();
        let images = self.inputs.len() * PASSES_PER_ROUND;
        for input in self.inputs.iter().cycle().take(images) {
            let started = Instant::now();
            let image = TensorRef::from_array_view((input.shape(), input.as_slice()))?;
            let features = self.trunk.run(ort::inputs![image])?;
            let (shape, values) = features[0].try_extract_tensor::<f32>()?;
            let features = TensorRef::from_array_view((shape.clone(), values))?;
            self.head.run(ort::inputs![features])?;
            seconds.push(started.elapsed().as_secs_f64());
        }
        Ok(median(&mut seconds))
    }
}
