//! Out-of-distribution images in answers, by every method and policy.

use std::fs;

use bundle::{Bundle, Method};
use bytes::Bytes;
use engine::{Engine, EngineConfig, RequestOptions, check_bundle};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};
use uncertainty::{Action, Decision, Reason};

use super::{policies, predict, predict_patiently, start};
use testkit::{
    runtime, tiny,
    unlike_bundle::{REFER_BELOW, replace_model, with_out_of_distribution},
};

fn engine_of(change: impl Fn(String) -> String) -> (tempfile::TempDir, Engine) {
    let directory = tempfile::tempdir().unwrap();
    with_out_of_distribution(directory.path());
    let path = directory.path().join("bundle.toml");
    let manifest = change(fs::read_to_string(&path).unwrap());
    fs::write(&path, manifest).unwrap();
    let engine = start(directory.path(), EngineConfig::default()).unwrap();
    (directory, engine)
}

fn with_policies(manifest: String) -> String {
    let sections = Method::ALL.map(|method| {
        let head = format!("\n[calibration.{method}]\ntemperature = 1.0\ncells = 1\nimages = 1\n");
        head + &policies(method)
    });
    manifest + &sections.concat()
}

/// A cell that is in neither the training nor the calibration of the out-of-distribution model.
fn cell() -> Bytes {
    Bytes::from(fs::read(testkit::path("examples/cells/hsil.png")).unwrap())
}

fn encoded(pixels: &image::RgbImage) -> Bytes {
    let mut png = std::io::Cursor::new(Vec::new());
    pixels.write_to(&mut png, image::ImageFormat::Png).unwrap();
    Bytes::from(png.into_inner())
}

fn noise() -> Bytes {
    let mut pixels = image::RgbImage::new(93, 93);
    ChaCha8Rng::seed_from_u64(5).fill_bytes(&mut pixels);
    encoded(&pixels)
}

/// An image of blue sky and a green meadow.
fn landscape() -> Bytes {
    let colour = |_, y: u32| match u8::try_from(y).unwrap() {
        y if y < 60 => image::Rgb([40 + y, 120 + y, 255]),
        y => image::Rgb([30, 200 - y, 20]),
    };
    encoded(&image::RgbImage::from_fn(93, 93, colour))
}

fn by(method: Method) -> RequestOptions {
    RequestOptions {
        method: Some(method),
        ..RequestOptions::default()
    }
}

/// The reasons except `abnormal`.
fn besides_the_call(decision: &Decision) -> Vec<Reason> {
    let reasons = decision.reasons.iter().copied();
    reasons
        .filter(|reason| *reason != Reason::Abnormal)
        .collect()
}

#[tokio::test]
async fn unlike_image_is_referred_by_every_method() {
    let (_directory, engine) = engine_of(with_policies);
    for method in Method::ALL {
        let options = RequestOptions {
            policy: Some("lenient".to_owned()),
            ..by(method)
        };
        let ask = async |image: Bytes| predict(&engine, options.clone(), image.into()).await;
        let answered = ask(cell()).await.unwrap();
        let ood = answered.ood.unwrap();
        assert!(ood.p_value >= REFER_BELOW, "{method}: {ood:?}");
        assert_eq!(answered.answer.decision.action, Action::Accept, "{method}");
        for image in [noise(), landscape()] {
            let answered = ask(image).await.unwrap();
            let unlike = answered.ood.unwrap();
            assert!(unlike.p_value < REFER_BELOW, "{method}: {unlike:?}");
            assert!(unlike.score > ood.score, "{method}: {unlike:?} {ood:?}");
            let decision = answered.answer.decision;
            assert_eq!(decision.action, Action::Refer, "{method}");
            assert_eq!(decision.policy.as_deref(), Some("lenient"), "{method}");
            assert_eq!(decision.accepted_as, None, "{method}");
            assert_eq!(
                besides_the_call(&decision),
                [Reason::OutOfDistribution],
                "{method}"
            );
            let called = answered.answer.summary.called_abnormal.unwrap();
            assert_eq!(
                decision.reasons.contains(&Reason::Abnormal),
                called,
                "{method}"
            );
        }
    }
}

#[tokio::test]
async fn all_reasons_for_referral_are_given() {
    let (_directory, engine) = engine_of(with_policies);
    let asked = RequestOptions {
        policy: Some("refer-all".to_owned()),
        compare: vec![Method::Tta],
        ..by(Method::Ensemble)
    };
    let both = predict(&engine, asked, noise().into()).await.unwrap();
    for answer in [&both.answer, &both.comparisons[0]] {
        let reasons = besides_the_call(&answer.decision);
        assert_eq!(reasons, [Reason::Uncertain, Reason::OutOfDistribution]);
    }
    let (_directory, engine) = engine_of(|manifest| manifest);
    for (image, wanted) in [
        (cell(), vec![Reason::NoPolicy]),
        (noise(), vec![Reason::NoPolicy, Reason::OutOfDistribution]),
    ] {
        let answer = predict(&engine, by(Method::Baseline), image.into()).await;
        let answer = answer.unwrap();
        assert_eq!(besides_the_call(&answer.answer.decision), wanted);
    }
}

#[tokio::test]
async fn score_does_not_depend_on_the_batch() {
    let (_directory, engine) = engine_of(with_policies);
    let images = [cell(), noise(), landscape()];
    let mut alone = Vec::new();
    for image in &images {
        let image = image.clone().into();
        let answered = predict(&engine, by(Method::Baseline), image).await;
        alone.push(answered.unwrap().ood);
    }
    let crowd: Vec<_> = (0..48)
        .map(|number| {
            let method = Method::ALL[number % 4];
            let (engine, image) = (engine.clone(), images[number % 3].clone());
            let task = tokio::spawn(async move {
                let answered = predict_patiently(&engine, by(method), image.into()).await;
                answered.unwrap().ood
            });
            (number % 3, method, task)
        })
        .collect();
    for (image, method, task) in crowd {
        assert_eq!(task.await.unwrap(), alone[image], "{method}");
    }
}

#[tokio::test]
async fn bundle_without_ood_model_gives_no_score() {
    let directory = tempfile::tempdir().unwrap();
    tiny::trunk_and_heads(directory.path());
    let engine = start(directory.path(), EngineConfig::default()).unwrap();
    let answered = predict(&engine, by(Method::Tta), noise().into()).await;
    let answered = answered.unwrap();
    assert_eq!(answered.ood, None);
    assert_eq!(
        besides_the_call(&answered.answer.decision),
        [Reason::NoPolicy]
    );
    // Statistics without an out-of-distribution model have no effect.
    let (_directory, engine) = engine_of(|manifest| {
        let section = manifest.find("[out_of_distribution]").unwrap();
        manifest[..section].to_owned()
    });
    let answered = predict(&engine, by(Method::Tta), noise().into()).await;
    let answered = answered.unwrap();
    assert_eq!(answered.ood, None);
}

/// The error of opening or checking the bundle, or `ok`.
fn verdict(directory: &std::path::Path) -> String {
    let checked = match Bundle::open(directory) {
        Ok(bundle) => check_bundle(&EngineConfig::default(), runtime(), &bundle),
        Err(error) => return error.to_string(),
    };
    checked.map_or_else(|error| error.to_string(), |()| "ok".to_owned())
}

#[test]
fn damaged_ood_model_is_refused() {
    let ones = |last: &str| {
        let rows: Vec<String> = (0..6).map(|row| "1,".repeat(row) + "1").collect();
        let rows = format!("[{}]", rows.join("],["));
        let rows = rows[..rows.len() - 2].to_owned() + last + "]";
        format!(
            "{{\"gaussian\":{{\"mean\":[0,0,0,0,0,0],\"factor\":[{rows}]}},\"calibration_scores\":SCORES}}"
        )
    };
    let scores = |scores: &str| ones("1").replace("SCORES", scores);
    let last = |last: &str| ones(last).replace("SCORES", "[1]");
    let deep = "[".repeat(100_000);
    for (content, said) in [
        (scores("[0, 1, 1, 2]"), "ok"),
        (
            String::new(),
            "not a usable out-of-distribution model: it is empty",
        ),
        (deep, "expected a number, found a list"),
        ("{\"a\\nb\": 1}".to_owned(), "unknown key `a b`"),
        (scores("[]"), "must be ascending"),
        (scores("[2, 1]"), "must be ascending"),
        (scores("[-1, 1]"), "must be ascending"),
        (scores("[1e999]"), "the number is too large"),
        (scores("[null]"), "expected a number, found null"),
        (scores("[1, 2],\"calibration_weights\":[0.5, 1]"), "ok"),
        (
            scores("[1, 2],\"calibration_weights\":[1]"),
            "calibration weights must be as many as the scores",
        ),
        (last("0"), "row 5 of the factor"),
        (last("1, 1"), "row 5 of the factor"),
        (last("1], [1"), "give all rows the same length"),
        (last("1e-300"), "statistics"),
        (
            "{\"gaussian\":{\"mean\":[0],\"factor\":[[1]]},\"calibration_scores\":[1]}".to_owned(),
            "it is for 1 statistics, but the trunk has 6",
        ),
        (
            "{\"gaussian\":{\"mean\":[],\"factor\":[]},\"calibration_scores\":[1]}".to_owned(),
            "no values",
        ),
    ] {
        let directory = tempfile::tempdir().unwrap();
        with_out_of_distribution(directory.path());
        replace_model(directory.path(), &content);
        let verdict = verdict(directory.path());
        let start = &content[..content.len().min(200)];
        assert!(verdict.contains(said), "`{start}` gave: {verdict}");
        assert!(!verdict.contains('\n'), "{verdict}");
    }
}

#[test]
fn ood_section_errors_are_one_sentence() {
    for (replace, with, said) in [
        ("refer_below = 0.05", "refer_below = 1.0", "less than 1"),
        ("refer_below = 0.05", "refer_below = nan", "less than 1"),
        ("layer = ", "kind = \"x\"\nlayer = ", "unknown key `kind`"),
        (
            "\"out_of_distribution.json\"",
            "\"absent.json\"",
            "cannot be read",
        ),
        (
            "\"out_of_distribution.json\"",
            "\"../x.json\"",
            "without a directory",
        ),
        ("statistic_count = 6\n", "", "belong together"),
        ("statistics = \"statistics\"\n", "", "belong together"),
        ("statistic_count = 6", "statistic_count = 0", "positive"),
        (
            "statistic_count = 6",
            "statistic_count = 7",
            "the trunk has 7",
        ),
        (
            "statistics = \"statistics\"\nstatistic_count = 6\n",
            "",
            "needs a trunk",
        ),
        (
            "statistics = \"statistics\"",
            "statistics = \"spread\"",
            "the graph has no output `spread`",
        ),
    ] {
        let directory = tempfile::tempdir().unwrap();
        with_out_of_distribution(directory.path());
        let path = directory.path().join("bundle.toml");
        let manifest = fs::read_to_string(&path).unwrap();
        assert!(manifest.contains(replace), "no `{replace}`:\n{manifest}");
        fs::write(&path, manifest.replacen(replace, with, 1)).unwrap();
        let verdict = verdict(directory.path());
        assert!(verdict.contains(said), "`{with}` gave: {verdict}");
        assert!(!verdict.contains('\n'), "{verdict}");
    }
}
