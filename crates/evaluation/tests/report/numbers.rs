//! The numbers of the report are those of `evaluation`.

use std::fs;

use evaluation::{
    Predictions,
    bootstrap::{Groups, percentile_interval},
    calibration_error::calibration_error,
    classification::ConfusionMatrix,
    four_way::four_way,
    proper_scores::{brier_score, negative_log_likelihood},
    ranking::auroc,
    report::{ReportInput, write_report},
    selective::{augrc, aurc, risk_at_coverages},
};
use serde_json::Value;
use tempfile::TempDir;
use uncertainty::{Measure, Range, Summary, summarise};

use super::synthetic::SyntheticStudy;

struct MeasuredReport {
    input: ReportInput,
    json: Value,
}

fn measured() -> MeasuredReport {
    let mut input = SyntheticStudy::new(3).input(200, 20);
    input.plan.resamples = 60;
    let folder = TempDir::new().unwrap();
    let files = write_report(&input, folder.path()).unwrap();
    let json = serde_json::from_slice(&fs::read(files.json).unwrap()).unwrap();
    MeasuredReport { input, json }
}

impl MeasuredReport {
    fn summaries(&self, method: usize) -> Vec<Summary> {
        self.input.parts[0].methods[method]
            .samples
            .iter()
            .map(summarise)
            .collect()
    }

    fn predictions(&self, method: usize) -> Predictions {
        let rows: Vec<Vec<f64>> = self
            .summaries(method)
            .into_iter()
            .map(|summary| summary.mean)
            .collect();
        let labels = self.input.parts[0]
            .cells
            .iter()
            .map(|cell| cell.label)
            .collect();
        Predictions::from_rows(&rows, labels).unwrap()
    }

    /// Question 0 is all classes, 1 normal or abnormal, 2 three groups.
    fn question(&self, method: usize, question: usize) -> &Value {
        &self.json["parts"][0]["methods"][method]["questions"][question]
    }
}

#[track_caller]
fn same(json: &Value, expected: f64) {
    let value = json
        .as_f64()
        .unwrap_or_else(|| panic!("{json} is no number"));
    assert!(
        (value - expected).abs() < 1e-12,
        "{value} is not {expected}"
    );
}

#[test]
fn answer_figures_match_evaluation() {
    let measured = measured();
    for method in 0..4 {
        let predictions = measured.predictions(method);
        let figures = &measured.question(method, 0)["figures"];
        same(
            &figures["accuracy"]["value"],
            ConfusionMatrix::of(&predictions).accuracy(),
        );
        same(
            &figures["balanced_accuracy"]["value"],
            ConfusionMatrix::of(&predictions).balanced_accuracy(),
        );
        same(
            &figures["negative_log_likelihood"]["value"],
            negative_log_likelihood(&predictions),
        );
        same(&figures["brier_score"]["value"], brier_score(&predictions));
        let error = calibration_error(&predictions.confidences());
        same(&figures["calibration_error"]["value"], error);
        let binary = predictions.binary(&[1, 2, 3, 4, 5]).unwrap();
        let figures = &measured.question(method, 1)["figures"];
        same(
            &figures["auroc"]["value"],
            auroc(&binary.against_rest(1)).unwrap(),
        );
        same(
            &figures["accuracy"]["value"],
            ConfusionMatrix::of(&binary).accuracy(),
        );
    }
}

#[test]
fn intervals_use_images_and_seed() {
    let measured = measured();
    let predictions = measured.predictions(1);
    let images: Vec<&str> = measured.input.parts[0]
        .cells
        .iter()
        .map(|cell| cell.image_id.as_str())
        .collect();
    let accuracy =
        |items: &[usize]| Some(ConfusionMatrix::of(&predictions.resampled(items)?).accuracy());
    let expected =
        percentile_interval(&Groups::of(&images), &measured.input.plan, accuracy).unwrap();
    let interval = &measured.question(1, 0)["figures"]["accuracy"]["interval"];
    same(&interval["low"], expected.interval.unwrap().low);
    same(&interval["high"], expected.interval.unwrap().high);
}

#[test]
fn uncertainty_figures_match_evaluation() {
    let measured = measured();
    let predictions = measured.predictions(2);
    let entropies: Vec<f64> = measured
        .summaries(2)
        .iter()
        .map(|summary| summary.predictive_entropy)
        .collect();
    let scored = predictions.mispredictions(&entropies).unwrap();
    let report = &measured.question(2, 0)["uncertainty"]["predictive_entropy"];
    same(
        &report["auroc_misprediction"]["value"],
        auroc(&scored).unwrap(),
    );
    same(&report["aurc"]["value"], aurc(&scored));
    same(&report["augrc"]["value"], augrc(&scored));
    let risk = risk_at_coverages(&scored, &[80]).unwrap()[0];
    same(&report["accuracy_of_surest_80"]["value"], 1.0 - risk);
    same(&report["risk_coverage"][15]["risk"]["value"], risk);
}

#[test]
fn paper_table_uses_calibrated_range() {
    let measured = measured();
    let predictions = measured.predictions(1);
    let range: &Range = &measured.input.parts[0].methods[1].ranges[&Measure::PaperEntropy];
    let summaries = measured.summaries(1);
    let normalised: Vec<f64> = summaries
        .iter()
        .map(|summary| range.normalise(summary.paper.entropy))
        .collect();
    let expected = four_way(&predictions, &normalised, &[1, 2, 3, 4, 5], 0.3)
        .unwrap()
        .confident;
    let report = &measured.question(1, 0)["paper"]["paper_entropy"];
    assert_eq!(report["normalised_over_calibration_set"], true);
    let below = &report["thresholds"][0]["kept_below"];
    assert_eq!(below["answers"], serde_json::to_value(expected).unwrap());
    let (ppv, npv) = (
        expected.positive_predictive_value.unwrap(),
        expected.negative_predictive_value.unwrap(),
    );
    same(
        &below["figures"]["mean_of_ppv_and_npv"]["value"],
        0.5 * (ppv + npv),
    );
    let kept: Vec<usize> = (0..normalised.len())
        .filter(|cell| normalised[*cell] <= 0.3)
        .collect();
    let among = predictions
        .binary(&[1, 2, 3, 4, 5])
        .unwrap()
        .resampled(&kept)
        .unwrap();
    same(
        &below["figures"]["auroc_abnormal"]["value"],
        auroc(&among.against_rest(1)).unwrap(),
    );
    let ranges = report["ranges"].as_array().unwrap();
    let cells: u64 = ranges
        .iter()
        .map(|range| range["answers"]["items"].as_u64().unwrap())
        .sum();
    assert_eq!(cells, 200, "every cell is in one range");
}

#[test]
fn policies_and_sets_are_counted() {
    let measured = measured();
    let outcome = measured
        .input
        .policies
        .iter()
        .find(|outcome| outcome.policy.threshold.is_some())
        .unwrap();
    let accepted = outcome.cells.iter().filter(|cell| cell.accepted).count();
    let policies = measured.json["policies"].as_array().unwrap();
    let report = policies
        .iter()
        .find(|policy| policy["name"] == outcome.policy.name.as_str())
        .unwrap();
    assert_eq!(report["accepted"], accepted);
    same(&report["coverage"]["value"], accepted as f64 / 200.0);
    let harmed = outcome.cells.iter().filter(|cell| cell.harmed).count();
    same(&report["risk"]["value"], harmed as f64 / accepted as f64);
    let refers_all = policies
        .iter()
        .find(|policy| policy["threshold"].is_null())
        .unwrap();
    assert_eq!(
        (&refers_all["accepted"], &refers_all["risk"]["value"]),
        (&0.into(), &Value::Null)
    );
    let sets = measured.json["out_of_distribution"].as_array().unwrap();
    assert!(sets[0]["auroc"].is_null());
    assert!(sets[1]["auroc"]["value"].as_f64().unwrap() > 0.95);
}
