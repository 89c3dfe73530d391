//! Reliability diagrams: confidence against accuracy, and the counts.

use super::{
    axes::{Axes, AxisSpec, TEXT},
    canvas::{Anchor, Canvas, Plot, PlotFrame},
    geometry::Area,
    mirrored_histogram::PlotShare,
    palette::{BLUE, Fill, LineStyle, Marker, SKY},
};

/// One bin with items in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReliabilityPoint {
    /// Lower edge of the bin.
    pub low: f64,
    /// Upper edge of the bin.
    pub high: f64,
    /// Mean confidence of its items.
    pub confidence: f64,
    /// Share of its items that are right.
    pub share: PlotShare,
    /// Number of items.
    pub items: usize,
}

/// A reliability diagram with a histogram of the confidences under it.
#[derive(Clone, Debug, PartialEq)]
pub struct ReliabilityPlot {
    /// Name, heading and description.
    pub frame: PlotFrame,
    /// The bins, ascending.
    pub points: Vec<ReliabilityPoint>,
    /// Short lines of text inside.
    pub notes: Vec<String>,
}

const SIZE: (f64, f64) = (320.0, 340.0);
const PLOT: Area = Area::at((58.0, 26.0), (250.0, 196.0));
const COUNTS: Area = Area::at((58.0, 234.0), (250.0, 62.0));

impl ReliabilityPlot {
    /// Draws the plot.
    pub fn draw(&self) -> Plot {
        let mut canvas = self.frame.canvas(SIZE, PLOT.left);
        self.draw_shares(&mut canvas);
        self.draw_counts(&mut canvas);
        canvas.finish()
    }

    fn draw_shares(&self, canvas: &mut Canvas<'_>) {
        let (x, y) = (
            AxisSpec::share(""),
            AxisSpec::share("share of right answers"),
        );
        let axes = Axes::new(PLOT, &x, &y);
        axes.draw_y(canvas, &y, 5);
        let (start, end) = (axes.at((0.0, 0.0)), axes.at((1.0, 1.0)));
        canvas.line(start, end, LineStyle::REFERENCE);
        for point in &self.points {
            let x = axes.x(point.confidence);
            if let Some((low, high)) = point.share.interval {
                canvas.whisker(x, (axes.y(low), axes.y(high)), 2.5, BLUE);
            }
            canvas.marker((x, axes.y(point.share.value)), Marker::Circle, 3.2, BLUE);
        }
        for (row, note) in self.notes.iter().enumerate() {
            // Points are seldom below the diagonal at the right.
            let y = PLOT.bottom() - 8.0 - 15.0 * row as f64;
            canvas.rimmed_text((PLOT.right() - 6.0, y), Anchor::End, TEXT, note);
        }
    }

    fn draw_counts(&self, canvas: &mut Canvas<'_>) {
        let most = self.points.iter().map(|point| point.items).max();
        let x = AxisSpec::share("confidence: probability of the answer");
        let y = AxisSpec::new("cells", 0.0, most.unwrap_or(1) as f64);
        let axes = Axes::new(COUNTS, &x, &y);
        axes.draw_y(canvas, &y, 3);
        for point in &self.points {
            let left = axes.x(point.low);
            let right = axes.x(point.high).max(left + 2.0);
            let heights = (axes.y(point.items as f64), COUNTS.bottom());
            canvas.bar((left + 0.5, right - left - 1.0), heights, Fill::Plain(SKY));
        }
        axes.draw_x(canvas, &x);
    }
}
