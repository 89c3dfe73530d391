//! The dashboard and the alert rules ask for figures that the server has.

use std::{collections::BTreeSet, fs};

use serde_json::Value;

use super::server::Server;

/// Every expression of the dashboard's panels and of the alert rules.
fn expressions() -> Vec<String> {
    let dashboard = fs::read("docker/grafana/dashboards/secondlook.json").unwrap();
    let dashboard: Value = serde_json::from_slice(&dashboard).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.flat_map(|panel| panel["targets"].as_array().unwrap());
    let mut expressions: Vec<_> = targets
        .map(|target| target["expr"].as_str().unwrap().to_owned())
        .collect();
    let rules = fs::read_to_string("docker/prometheus/alerts.yml").unwrap();
    let rules = rules.split("expr:").skip(1);
    expressions.extend(rules.map(|rule| rule.split(" for:").next().unwrap().to_owned()));
    expressions
}

/// The names in an expression: figures, labels, functions.
fn words(expression: &str) -> impl Iterator<Item = &str> {
    let outside_quotes = expression.split('"').step_by(2);
    outside_quotes
        .flat_map(|text| {
            text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
        })
        .filter(|word| word.starts_with(|letter: char| letter.is_ascii_lowercase()))
}

/// The names of figures and of their labels as they are exported.
fn exported(metrics: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for line in metrics
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
    {
        let (series, _) = line.rsplit_once(' ').unwrap();
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        names.insert(name.to_owned());
        let labels = labels.trim_end_matches('}').split("\",");
        names.extend(labels.filter_map(|label| Some(label.split_once('=')?.0.to_owned())));
    }
    names
}

#[tokio::test]
async fn every_expression_refers_to_figures_and_labels_that_exist() {
    let server = Server::start();
    server.answer("").await;
    let metrics = server.text("/metrics").await;
    let exported = exported(&metrics);
    // Prometheus' own; the rest of its language.
    let known = ["up", "job", "sum", "rate", "by", "histogram_quantile"];
    let expressions = expressions();
    assert_eq!(expressions.len(), 6 + 8);
    for expression in &expressions {
        assert!(
            words(expression).any(|word| word.starts_with("secondlook_") || word == "up"),
            "{expression}"
        );
        for word in words(expression) {
            assert!(
                known.contains(&word) || exported.contains(word),
                "`{word}` in {expression}"
            );
        }
    }
}
