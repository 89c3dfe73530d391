//! Divides the cells into folds and, if wanted, a test part. Whole images stay together.
//!
//! Greedy stratification: images with the rarest classes are placed first, each into the part where
//! it brings every class (and the number of images) nearest to its share. The idea is that of
//! iterative stratification (Sechidis et al., 2011), with images instead of single cells.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{crop_table::CropRow, labels::LabelSet, part::CellPart};
use crate::{TrainingError, random};

/// One line of `split.csv`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitRow {
    /// The cell.
    pub cell_id: String,
    /// Its image.
    pub image_id: String,
    /// Its class.
    pub label: String,
    /// Its part.
    pub part: CellPart,
}

/// How to divide.
#[derive(Clone, Copy, Debug)]
pub struct SplitOptions {
    /// Number of folds, at least 2.
    pub folds: usize,
    /// Share of the test part, from 0 (no test part) to below 1.
    pub test_share: f64,
    /// Divide single cells, as the paper does, instead of whole images. Leaks: see
    /// [`Split::warnings`].
    pub per_cell: bool,
    /// Seed of the order of images with equal counts.
    pub seed: u64,
}

/// A division of the cells.
#[derive(Clone, Debug)]
pub struct Split {
    /// One row per crop, in the order of the crops.
    pub rows: Vec<SplitRow>,
    /// Warnings for a reader of the results.
    pub warnings: Vec<String>,
}

/// Cells that stay together: row numbers, and counts per class.
struct ImageGroup {
    rows: Vec<usize>,
    counts: Vec<usize>,
}

/// Divides the crops into folds and a test part. With `before`, the test part of that division
/// stays and only the folds are drawn anew, so that test cells never get into a fold.
///
/// # Errors
/// [`TrainingError::Impossible`] for fewer than 2 folds, a share outside [0, 1), fewer images (or
/// cells) than parts, or a class without cells or with fewer images than folds.
pub fn split(
    crops: &[CropRow],
    labels: &LabelSet,
    options: &SplitOptions,
    before: Option<&[SplitRow]>,
) -> Result<Split, TrainingError> {
    check(options)?;
    let Some(before) = before else {
        let (parts, warnings) = divide(crops, labels, options, &shares(options))?;
        return Ok(Split::new(crops, parts, warnings));
    };
    let tested = before.iter().filter(|row| row.part == CellPart::Test);
    let (cells, images): (BTreeSet<&str>, BTreeSet<&str>) = tested
        .map(|row| (row.cell_id.as_str(), row.image_id.as_str()))
        .unzip();
    let is_test = |crop: &CropRow| match options.per_cell {
        true => cells.contains(crop.cell_id.as_str()),
        false => images.contains(crop.image_id.as_str()),
    };
    let others = crops.iter().filter(|crop| !is_test(crop)).cloned();
    let others: Vec<CropRow> = others.collect();
    let folds = shares(&SplitOptions {
        test_share: 0.0,
        ..*options
    });
    let (parts, warnings) = divide(&others, labels, options, &folds)?;
    let mut parts = parts.into_iter();
    let part_of = |crop: &CropRow| match is_test(crop) {
        true => CellPart::Test,
        false => parts.next().unwrap_or(CellPart::Test),
    };
    let parts = crops.iter().map(part_of).collect();
    Ok(Split::new(crops, parts, warnings))
}

impl Split {
    fn new(crops: &[CropRow], parts: Vec<CellPart>, warnings: Vec<String>) -> Self {
        let row = |(crop, part): (&CropRow, CellPart)| SplitRow {
            cell_id: crop.cell_id.clone(),
            image_id: crop.image_id.clone(),
            label: crop.label.clone(),
            part,
        };
        let rows = crops.iter().zip(parts).map(row).collect();
        Self { rows, warnings }
    }
}

/// The part of each crop, and warnings for a reader of the results.
fn divide(
    crops: &[CropRow],
    labels: &LabelSet,
    options: &SplitOptions,
    shares: &[(CellPart, f64)],
) -> Result<(Vec<CellPart>, Vec<String>), TrainingError> {
    let groups = groups(crops, labels, options.per_cell);
    if groups.len() < shares.len() {
        let reason = format!(
            "{} images cannot fill {} parts: lower --folds",
            groups.len(),
            shares.len()
        );
        return Err(TrainingError::Impossible(reason));
    }
    check_classes(&groups, labels, options)?;
    let placed = place(&groups, shares, options.seed);
    let mut parts = vec![CellPart::Test; crops.len()];
    for (group, part) in groups.iter().zip(placed) {
        for row in &group.rows {
            parts[*row] = part;
        }
    }
    Ok((parts, warnings(&groups, labels, options, shares.len())))
}

fn check(options: &SplitOptions) -> Result<(), TrainingError> {
    let wrong = if options.folds < 2 {
        "--folds must be at least 2, for example 5"
    } else if (0.0..1.0).contains(&options.test_share) {
        return Ok(());
    } else {
        "--test-share must be at least 0 and below 1, for example 0.2"
    };
    Err(TrainingError::Impossible(wrong.to_owned()))
}

fn groups(crops: &[CropRow], labels: &LabelSet, per_cell: bool) -> Vec<ImageGroup> {
    let mut groups: BTreeMap<&str, ImageGroup> = BTreeMap::new();
    for (row, crop) in crops.iter().enumerate() {
        let key = if per_cell {
            &crop.cell_id
        } else {
            &crop.image_id
        };
        let empty = || ImageGroup {
            rows: Vec::new(),
            counts: vec![0; labels.labels.len()],
        };
        let group = groups.entry(key).or_insert_with(empty);
        group.rows.push(row);
        if let Some(label) = labels.index_of(&crop.label) {
            group.counts[label] += 1;
        }
    }
    groups.into_values().collect()
}

fn shares(options: &SplitOptions) -> Vec<(CellPart, f64)> {
    let test = (options.test_share > 0.0).then_some((CellPart::Test, options.test_share));
    let fold_share = (1.0 - options.test_share) / options.folds as f64;
    let folds = (0..options.folds).map(|fold| (CellPart::Fold(fold), fold_share));
    test.into_iter().chain(folds).collect()
}

/// The part of every group.
fn place(groups: &[ImageGroup], shares: &[(CellPart, f64)], seed: u64) -> Vec<CellPart> {
    let totals = totals(groups);
    let group_load = 1.0 / groups.len() as f64;
    let mut filled = vec![vec![0.0; totals.len() + 1]; shares.len()];
    let mut parts = vec![CellPart::Test; groups.len()];
    for index in placing_order(groups, &totals, seed) {
        let load = load(&groups[index], &totals, group_load);
        let cost = |part: usize| added_cost(&filled[part], &load, shares[part].1);
        let best = (0..shares.len())
            .min_by(|a, b| cost(*a).total_cmp(&cost(*b)))
            .unwrap_or(0);
        for (sum, value) in filled[best].iter_mut().zip(load) {
            *sum += value;
        }
        parts[index] = shares[best].0;
    }
    parts
}

/// Cells of each class.
fn totals(groups: &[ImageGroup]) -> Vec<usize> {
    let mut totals = vec![0; groups.first().map_or(0, |group| group.counts.len())];
    for group in groups {
        for (total, count) in totals.iter_mut().zip(&group.counts) {
            *total += count;
        }
    }
    totals
}

/// A group as shares of everything that is balanced: the cells of each class, and the number of
/// groups.
fn load(group: &ImageGroup, totals: &[usize], group_load: f64) -> Vec<f64> {
    let share = |(count, total): (&usize, &usize)| *count as f64 / (*total).max(1) as f64;
    let classes = group.counts.iter().zip(totals).map(share);
    classes.chain(std::iter::once(group_load)).collect()
}

/// By how much a load increases a part's squared distance from its share, relative to the share. A
/// part of half the size fills half as fast.
fn added_cost(filled: &[f64], load: &[f64], share: f64) -> f64 {
    let cost = |(sum, value): (&f64, &f64)| {
        ((sum + value - share).powi(2) - (sum - share).powi(2)) / share
    };
    filled.iter().zip(load).map(cost).sum()
}

/// Rarest class first, then groups with most cells of it, then random order.
fn placing_order(groups: &[ImageGroup], totals: &[usize], seed: u64) -> Vec<usize> {
    let mut order = random::permutation(&mut random::stream(seed, "split"), groups.len());
    order.sort_by_key(|index| {
        let counts = &groups[*index].counts;
        let present = (0..counts.len()).filter(|class| counts[*class] > 0);
        let rarest = present.min_by_key(|class| totals[*class]).unwrap_or(0);
        (totals[rarest], std::cmp::Reverse(counts[rarest]))
    });
    order
}

/// Number of groups with a class.
fn holding(groups: &[ImageGroup], label: usize) -> usize {
    let holding = groups.iter().filter(|group| group.counts[label] > 0);
    holding.count()
}

/// A class that is missing from some fold's training cells is an error in the data.
fn check_classes(
    groups: &[ImageGroup],
    labels: &LabelSet,
    options: &SplitOptions,
) -> Result<(), TrainingError> {
    let unit = unit(options);
    for (label, entry) in labels.labels.iter().enumerate() {
        let held = holding(groups, label);
        let reason = match held {
            0 => format!(
                "the class {} has no cells: add some, or describe the other labels in a TOML file and \
                 run `crop` again with --labels FILE",
                entry.name
            ),
            _ if held < options.folds => format!(
                "the class {} occurs in {held} {unit}, fewer than the {} folds: lower --folds or \
                 merge the class with another",
                entry.name, options.folds
            ),
            _ => continue,
        };
        return Err(TrainingError::Impossible(reason));
    }
    Ok(())
}

fn unit(options: &SplitOptions) -> &'static str {
    if options.per_cell { "cells" } else { "images" }
}

fn warnings(
    groups: &[ImageGroup],
    labels: &LabelSet,
    options: &SplitOptions,
    parts: usize,
) -> Vec<String> {
    let unit = unit(options);
    let mut warnings = Vec::new();
    if options.per_cell {
        warnings.push(
            "this split puts cells of one image into different parts, as the paper does; they \
             share stain, focus and neighbours, so figures measured on it are too good"
                .to_owned(),
        );
    }
    for (label, entry) in labels.labels.iter().enumerate() {
        let held = holding(groups, label);
        if held < parts {
            warnings.push(format!(
                "{} occurs in {held} {unit}, fewer than the {parts} parts: some parts have none",
                entry.name
            ));
        }
    }
    warnings
}
