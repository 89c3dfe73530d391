//! Histograms of several sets over one axis, a row for each: how far a set of images lies from another.

use super::{
    axes::{AxisSpec, Frame, TEXT},
    canvas::{Anchor, Area, Canvas, Plot},
    mirrored_histogram::Share,
    palette::{BLACK, Fill, GREEN, ORANGE, SKY, VERMILLION},
};

/// One set.
#[derive(Clone, Debug, PartialEq)]
pub struct DensityRow {
    /// Its name.
    pub name: String,
    /// A remark to the right of the name.
    pub note: String,
    /// The share of the set in each bin.
    pub shares: Vec<Share>,
}

/// Rows of histograms over bins of equal width.
#[derive(Clone, Debug, PartialEq)]
pub struct DensityPlot<'a> {
    /// Name of the file.
    pub name: &'a str,
    /// Heading.
    pub title: &'a str,
    /// For those who cannot see it.
    pub description: &'a str,
    /// The axis over which the bins lie.
    pub x: AxisSpec,
    /// The sets.
    pub rows: Vec<DensityRow>,
}

const WIDTH: f64 = 560.0;
const LEFT: f64 = 58.0;
const ROW: (f64, f64) = (490.0, 74.0);
const STEP: f64 = 116.0;
const FILLS: [Fill; 4] = [
    Fill::Plain(SKY),
    Fill::Hatched(VERMILLION),
    Fill::Dotted(GREEN),
    Fill::Plain(ORANGE),
];

impl DensityPlot<'_> {
    /// Draws the plot.
    pub fn draw(&self) -> Plot {
        let height = 26.0 + STEP * self.rows.len() as f64 + 36.0;
        let mut canvas = Canvas::new(self.name, (WIDTH, height), self.title, self.description);
        canvas.bold_text((12.0, 16.0), Anchor::Start, 13.0, self.title);
        for (index, row) in self.rows.iter().enumerate() {
            let top = 26.0 + STEP * index as f64 + 20.0;
            let area = Area {
                left: LEFT,
                top,
                width: ROW.0,
                height: ROW.1,
            };
            canvas.bold_text((LEFT, top - 6.0), Anchor::Start, 12.0, &row.name);
            canvas.text((area.right(), top - 6.0), Anchor::End, TEXT, &row.note);
            let last = index + 1 == self.rows.len();
            self.draw_row(&mut canvas, area, row, FILLS[index % FILLS.len()], last);
        }
        canvas.finish()
    }

    fn draw_row(&self, canvas: &mut Canvas, area: Area, row: &DensityRow, fill: Fill, last: bool) {
        let bars = row
            .shares
            .iter()
            .map(|share| share.value)
            .fold(0.01, f64::max);
        let ends = row.shares.iter().filter_map(|share| share.interval);
        let tallest = (1.02 * ends.map(|(_, high)| high).fold(bars, f64::max)).min(1.5 * bars);
        let y = AxisSpec::new("share", 0.0, tallest);
        let frame = Frame::new(area, &self.x, &y);
        frame.draw_y(canvas, &y, 3);
        let width = area.width / row.shares.len().max(1) as f64;
        for (index, share) in row
            .shares
            .iter()
            .enumerate()
            .filter(|(_, share)| share.value > 0.0)
        {
            let (left, top) = (area.left + width * index as f64, frame.y(share.value));
            let bar = Area {
                left: left + 0.5,
                top,
                width: width - 1.0,
                height: area.bottom() - top,
            };
            canvas.rectangle(bar, fill, 1.0);
            if let Some((low, high)) = share.interval {
                canvas.whisker(
                    left + 0.5 * width,
                    (frame.y(low), frame.y(high)),
                    1.5,
                    BLACK,
                );
            }
        }
        let axis = if last {
            self.x.clone()
        } else {
            AxisSpec {
                label: String::new(),
                ..self.x.clone()
            }
        };
        frame.draw_x(canvas, &axis);
    }
}
