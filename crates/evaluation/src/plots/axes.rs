//! Scales and ticks.

use super::{
    canvas::{Anchor, Canvas, thin},
    geometry::{Area, Point},
    palette::{BLACK, LIGHT_GREY},
};

/// The size of the text at ticks and axes.
pub(super) const TEXT: f64 = 11.5;

/// An axis.
#[derive(Clone, Debug, PartialEq)]
pub struct AxisSpec {
    /// Its name, with the unit.
    pub label: String,
    /// The value at its start.
    pub low: f64,
    /// The value at its end.
    pub high: f64,
}

/// A rectangle with an x and a y axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Axes {
    pub area: Area,
    x: (f64, f64),
    y: (f64, f64),
}

impl AxisSpec {
    /// An axis of shares, 0 to 1.
    pub fn share(label: &str) -> AxisSpec {
        AxisSpec::new(label, 0.0, 1.0)
    }

    /// An axis from `low` to `high`; an empty one is widened.
    pub fn new(label: &str, low: f64, high: f64) -> AxisSpec {
        AxisSpec {
            label: label.to_owned(),
            low,
            high: if high > low { high } else { low + 1.0 },
        }
    }
}

impl Axes {
    pub(super) fn new(area: Area, x: &AxisSpec, y: &AxisSpec) -> Axes {
        Axes {
            area,
            x: (x.low, x.high),
            y: (y.low, y.high),
        }
    }

    /// Draws only the x axis, for an area whose rows have no scale.
    pub(super) fn of_rows(canvas: &mut Canvas<'_>, area: Area, x: &AxisSpec) -> Axes {
        let axes = Axes::new(area, x, &AxisSpec::share(""));
        axes.draw_x(canvas, x);
        axes
    }

    pub(super) fn x(&self, value: f64) -> f64 {
        let (low, high) = self.x;
        self.area.left + self.area.width * ((value - low) / (high - low)).clamp(0.0, 1.0)
    }

    pub(super) fn y(&self, value: f64) -> f64 {
        let (low, high) = self.y;
        self.area.bottom() - self.area.height * ((value - low) / (high - low)).clamp(0.0, 1.0)
    }

    pub(super) fn at(&self, (x, y): Point) -> Point {
        (self.x(x), self.y(y))
    }

    /// Ticks and name of the x axis.
    pub(super) fn draw_x(&self, canvas: &mut Canvas<'_>, axis: &AxisSpec) {
        let (step, ticks) = ticks(axis.low, axis.high, 5);
        let (area, bottom) = (self.area, self.area.bottom());
        for tick in ticks {
            let (x, label) = (self.x(tick), tick_label(tick, step));
            canvas.line((x, area.top), (x, bottom), thin(LIGHT_GREY));
            canvas.line((x, bottom), (x, bottom + 4.0), thin(BLACK));
            canvas.text((x, bottom + 15.0), Anchor::Middle, TEXT, &label);
        }
        canvas.line((area.left, bottom), (area.right(), bottom), thin(BLACK));
        let below = (area.middle(), bottom + 30.0);
        canvas.text(below, Anchor::Middle, TEXT, &axis.label);
    }

    /// About `about` ticks and the name of the y axis.
    pub(super) fn draw_y(&self, canvas: &mut Canvas<'_>, axis: &AxisSpec, about: usize) {
        let (step, ticks) = ticks(axis.low, axis.high, about);
        let left = self.area.left;
        for tick in ticks {
            let y = self.y(tick);
            self.grid_line(canvas, tick);
            canvas.line((left - 4.0, y), (left, y), thin(BLACK));
            self.label_y(canvas, tick, &tick_label(tick, step));
        }
        self.line_y(canvas);
        self.name_y(canvas, &axis.label);
    }

    /// A light horizontal line at a value of y.
    pub(super) fn grid_line(&self, canvas: &mut Canvas<'_>, value: f64) {
        let (y, Area { left, .. }) = (self.y(value), self.area);
        canvas.line((left, y), (self.area.right(), y), thin(LIGHT_GREY));
    }

    /// The label of a value of y.
    pub(super) fn label_y(&self, canvas: &mut Canvas<'_>, value: f64, label: &str) {
        let at = (self.area.left - 6.0, self.y(value) + 4.0);
        canvas.text(at, Anchor::End, TEXT, label);
    }

    /// The line at the left.
    pub(super) fn line_y(&self, canvas: &mut Canvas<'_>) {
        let Area { left, top, .. } = self.area;
        canvas.line((left, top), (left, self.area.bottom()), thin(BLACK));
    }

    /// The name of the y axis, at the left.
    pub(super) fn name_y(&self, canvas: &mut Canvas<'_>, name: &str) {
        canvas.upward_text((self.area.left - 46.0, self.area.centre()), TEXT, name);
    }

    /// The left edge and the width of one of `count` columns.
    pub(super) fn column(&self, index: usize, count: usize) -> (f64, f64) {
        let width = self.area.width / count.max(1) as f64;
        (self.area.left + width * index as f64, width)
    }
}

/// Round steps of 1, 2 or 5 times a power of ten, about `about` of them.
pub(super) fn ticks(low: f64, high: f64, about: usize) -> (f64, Vec<f64>) {
    let rough = (high - low) / about.max(1) as f64;
    let power = 10f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0]
        .into_iter()
        .find(|factor| factor * power >= rough * 0.999);
    let step = factor.unwrap_or(10.0) * power;
    let first = (low / step - 1e-9).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    (step, (first..=last).map(|k| k as f64 * step).collect())
}

pub(super) fn tick_label(value: f64, step: f64) -> String {
    let decimals = (-(step * 1.001).log10().floor()).clamp(0.0, 6.0) as usize;
    let text = format!("{:.decimals$}", value.abs());
    let digits = match decimals {
        0 => thousands(&text),
        _ => text,
    };
    match value < -0.5 * step {
        true => format!("−{digits}"),
        false => digits,
    }
}

/// Such as `12,345`.
fn thousands(digits: &str) -> String {
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_in_range() {
        let labels = |low, high| {
            let (step, ticks) = ticks(low, high, 5);
            ticks
                .into_iter()
                .map(|tick| tick_label(tick, step))
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(labels(0.0, 1.0), "0.0 0.2 0.4 0.6 0.8 1.0");
        assert_eq!(labels(-0.03, 0.11), "0.00 0.05 0.10");
        assert_eq!(labels(0.0, 4126.0), "0 1,000 2,000 3,000 4,000");
        assert_eq!(labels(-2.0, 2.0), "−2 −1 0 1 2");
    }
}
