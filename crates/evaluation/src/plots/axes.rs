//! Scales, ticks and the frame of a plot.

use super::{
    canvas::{Anchor, Area, Canvas, Point, thin},
    palette::{BLACK, LIGHT_GREY},
};

/// The size of the text at ticks and axes.
pub(super) const TEXT: f64 = 11.5;

/// What an axis shows.
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
pub(super) struct Frame {
    pub area: Area,
    x: (f64, f64),
    y: (f64, f64),
}

impl AxisSpec {
    /// An axis of shares, 0 to 1.
    pub fn share(label: &str) -> AxisSpec {
        AxisSpec::new(label, 0.0, 1.0)
    }

    /// An axis from `low` to `high`; an empty one is widened so that something can be placed on it.
    pub fn new(label: &str, low: f64, high: f64) -> AxisSpec {
        AxisSpec {
            label: label.to_owned(),
            low,
            high: if high > low { high } else { low + 1.0 },
        }
    }
}

impl Frame {
    pub(super) fn new(area: Area, x: &AxisSpec, y: &AxisSpec) -> Frame {
        Frame {
            area,
            x: (x.low, x.high),
            y: (y.low, y.high),
        }
    }

    /// Draws the x axis of an area whose rows are no scale, and returns its frame.
    pub(super) fn of_rows(canvas: &mut Canvas, area: Area, x: &AxisSpec) -> Frame {
        let frame = Frame::new(area, x, &AxisSpec::share(""));
        frame.draw_x(canvas, x);
        frame
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

    /// Grid lines, ticks and names of both axes.
    pub(super) fn draw(&self, canvas: &mut Canvas, x: &AxisSpec, y: &AxisSpec) {
        self.draw_x(canvas, x);
        self.draw_y(canvas, y, 5);
    }

    pub(super) fn draw_x(&self, canvas: &mut Canvas, axis: &AxisSpec) {
        let (step, ticks) = ticks(axis.low, axis.high, 5);
        let bottom = self.area.bottom();
        for tick in ticks {
            let x = self.x(tick);
            canvas.line((x, self.area.top), (x, bottom), thin(LIGHT_GREY));
            canvas.line((x, bottom), (x, bottom + 4.0), thin(BLACK));
            canvas.text(
                (x, bottom + 15.0),
                Anchor::Middle,
                TEXT,
                &tick_label(tick, step),
            );
        }
        canvas.line(
            (self.area.left, bottom),
            (self.area.right(), bottom),
            thin(BLACK),
        );
        let middle = self.area.left + 0.5 * self.area.width;
        canvas.text((middle, bottom + 30.0), Anchor::Middle, TEXT, &axis.label);
    }

    pub(super) fn draw_y(&self, canvas: &mut Canvas, axis: &AxisSpec, about: usize) {
        let (step, ticks) = ticks(axis.low, axis.high, about);
        let left = self.area.left;
        for tick in ticks {
            let y = self.y(tick);
            canvas.line((left, y), (self.area.right(), y), thin(LIGHT_GREY));
            canvas.line((left - 4.0, y), (left, y), thin(BLACK));
            canvas.text(
                (left - 6.0, y + 4.0),
                Anchor::End,
                TEXT,
                &tick_label(tick, step),
            );
        }
        canvas.line(
            (left, self.area.top),
            (left, self.area.bottom()),
            thin(BLACK),
        );
        let middle = self.area.top + 0.5 * self.area.height;
        canvas.upward_text((left - 46.0, middle), TEXT, &axis.label);
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
    let digits = if decimals == 0 {
        thousands(&text)
    } else {
        text
    };
    if value < -0.5 * step {
        format!("−{digits}")
    } else {
        digits
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
    fn ticks_are_round_and_inside() {
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
