//! Two mirrored histograms: right answers above the line, wrong answers below.

use super::{
    axes::{Axes, AxisSpec, TEXT, tick_label, ticks},
    canvas::{Anchor, Canvas, Plot, PlotFrame, thin},
    geometry::Area,
    palette::{BLACK, Fill, RIGHT, WRONG},
};

/// A share with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlotShare {
    /// The share, 0 to 1.
    pub value: f64,
    /// Its interval.
    pub interval: Option<(f64, f64)>,
}

/// The shares of right and wrong answers in bins of equal width.
#[derive(Clone, Debug, PartialEq)]
pub struct MirroredHistogram {
    /// Name, heading and description.
    pub frame: PlotFrame,
    /// The axis of the bins.
    pub x: AxisSpec,
    /// Of all right answers, the share in each bin.
    pub right: Vec<PlotShare>,
    /// Of all wrong answers, the share in each bin.
    pub wrong: Vec<PlotShare>,
    /// Number of right and of wrong answers.
    pub counts: (usize, usize),
}

const SIZE: (f64, f64) = (320.0, 250.0);
const PLOT: Area = Area::at((58.0, 26.0), (250.0, 182.0));

impl MirroredHistogram {
    /// Draws the plot.
    pub fn draw(&self) -> Plot {
        let mut canvas = self.frame.canvas(SIZE, PLOT.left);
        let top = self.tallest();
        let axes = Axes::new(PLOT, &self.x, &AxisSpec::new("", -top, top));
        axes.draw_x(&mut canvas, &self.x);
        draw_share_axis(&mut canvas, &axes, top);
        draw_bars(&mut canvas, &axes, &self.right, 1.0, RIGHT);
        draw_bars(&mut canvas, &axes, &self.wrong, -1.0, WRONG);
        let zero = axes.y(0.0);
        canvas.line((PLOT.left, zero), (PLOT.right(), zero), thin(BLACK));
        let right = format!("right ({} cells)", self.counts.0);
        let above = (PLOT.right() - 4.0, PLOT.top + 13.0);
        canvas.rimmed_text(above, Anchor::End, TEXT, &right);
        // Few wrong answers are certain, so the left is free.
        let wrong = format!("wrong ({} cells)", self.counts.1);
        let below = (PLOT.left + 6.0, PLOT.bottom() - 6.0);
        canvas.rimmed_text(below, Anchor::Start, TEXT, &wrong);
        canvas.finish()
    }

    /// The height of the axis to each side. Intervals may be clipped, bars never.
    fn tallest(&self) -> f64 {
        let shares = || self.right.iter().chain(&self.wrong);
        let bars = shares().map(|share| share.value).fold(0.05, f64::max);
        let ends = shares().filter_map(|share| share.interval);
        let ends = ends.map(|(_, high)| high);
        (1.05 * ends.fold(bars, f64::max))
            .min(1.35 * bars)
            .min(1.05)
    }
}

fn draw_share_axis(canvas: &mut Canvas<'_>, axes: &Axes, top: f64) {
    let (step, ticks) = ticks(0.0, top, 3);
    for tick in ticks.iter().flat_map(|&tick| [tick, -tick]) {
        axes.grid_line(canvas, tick);
        axes.label_y(canvas, tick, &tick_label(tick.abs(), step));
    }
    axes.line_y(canvas);
    axes.name_y(canvas, "share of each");
}

fn draw_bars(
    canvas: &mut Canvas<'_>,
    axes: &Axes,
    shares: &[PlotShare],
    direction: f64,
    fill: Fill,
) {
    for (index, share) in shares.iter().enumerate() {
        let (left, width) = axes.column(index, shares.len());
        if share.value > 0.0 {
            let heights = (axes.y(direction * share.value), axes.y(0.0));
            canvas.bar((left + 0.6, width - 1.2), heights, fill);
        }
        if let Some((low, high)) = share.interval.filter(|(_, high)| *high > 0.0) {
            let ends = (axes.y(direction * low), axes.y(direction * high));
            canvas.whisker(left + 0.5 * width, ends, 1.5, BLACK);
        }
    }
}
