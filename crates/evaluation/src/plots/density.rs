//! Histograms of several sets over one axis, a row per set.

use super::{
    axes::{Axes, AxisSpec, TEXT},
    canvas::{Anchor, Canvas, Plot, PlotFrame},
    geometry::Area,
    mirrored_histogram::PlotShare,
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
    pub shares: Vec<PlotShare>,
}

/// Rows of histograms over bins of equal width.
#[derive(Clone, Debug, PartialEq)]
pub struct DensityPlot {
    /// Name, heading and description.
    pub frame: PlotFrame,
    /// The axis of the bins.
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

impl DensityPlot {
    /// Draws the plot.
    pub fn draw(&self) -> Plot {
        let height = 26.0 + STEP * self.rows.len() as f64 + 36.0;
        let mut canvas = self.frame.canvas((WIDTH, height), 12.0);
        for (index, row) in self.rows.iter().enumerate() {
            let top = 26.0 + STEP * index as f64 + 20.0;
            let area = Area::at((LEFT, top), ROW);
            canvas.bold_text((LEFT, top - 6.0), Anchor::Start, 12.0, &row.name);
            canvas.text((area.right(), top - 6.0), Anchor::End, TEXT, &row.note);
            let last = index + 1 == self.rows.len();
            self.draw_row(&mut canvas, area, row, FILLS[index % FILLS.len()], last);
        }
        canvas.finish()
    }

    fn draw_row(
        &self,
        canvas: &mut Canvas<'_>,
        area: Area,
        row: &DensityRow,
        fill: Fill,
        last: bool,
    ) {
        let values = row.shares.iter().map(|share| share.value);
        let bars = values.fold(0.01, f64::max);
        let ends = row.shares.iter().filter_map(|share| share.interval);
        let tallest = (1.02 * ends.map(|(_, high)| high).fold(bars, f64::max)).min(1.5 * bars);
        let y = AxisSpec::new("share", 0.0, tallest);
        let axes = Axes::new(area, &self.x, &y);
        axes.draw_y(canvas, &y, 3);
        for (index, share) in row.shares.iter().enumerate() {
            if share.value <= 0.0 {
                continue;
            }
            let (left, width) = axes.column(index, row.shares.len());
            let heights = (axes.y(share.value), area.bottom());
            canvas.bar((left + 0.5, width - 1.0), heights, fill);
            if let Some((low, high)) = share.interval {
                let ends = (axes.y(low), axes.y(high));
                canvas.whisker(left + 0.5 * width, ends, 1.5, BLACK);
            }
        }
        let mut x = self.x.clone();
        if !last {
            x.label.clear();
        }
        axes.draw_x(canvas, &x);
    }
}
