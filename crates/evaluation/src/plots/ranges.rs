//! The paper's figures: the number of answers in each range of a normalised uncertainty, and how
//! many of them are right.

use super::{
    axes::{Axes, AxisSpec},
    canvas::{Anchor, Canvas, Plot, PlotFrame},
    geometry::Area,
    legend::{self, LegendKey},
    mirrored_histogram::PlotShare,
    palette::{BLACK, BLUE, Fill, Marker, ORANGE, RIGHT, SKY, VERMILLION, WRONG},
};

/// The answers of one range.
#[derive(Clone, Debug, PartialEq)]
pub struct RangeBar {
    /// Counts in the order of the plot's parts.
    pub counts: Vec<usize>,
    /// Accuracy; `None` for an empty range.
    pub accuracy: Option<PlotShare>,
}

/// The parts of a stacked bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parts {
    /// Right and wrong answers.
    RightWrong,
    /// True positives, true negatives, false positives, false negatives.
    FourWay,
}

/// Bars over ranges of equal width from 0 to 1, under a strip with the accuracy of each.
#[derive(Clone, Debug, PartialEq)]
pub struct RangePlot<'a> {
    /// Name, heading and description.
    pub frame: PlotFrame,
    /// Name of the x axis.
    pub x_label: &'a str,
    /// The parts of the bars.
    pub parts: Parts,
    /// The ranges, ascending.
    pub bars: Vec<RangeBar>,
}

const WIDTH: f64 = 360.0;
const STRIP: Area = Area::at((60.0, 40.0), (290.0, 58.0));
const PLOT: Area = Area::at((60.0, 122.0), (290.0, 148.0));

impl Parts {
    fn fills(self) -> &'static [(&'static str, Fill)] {
        match self {
            Parts::RightWrong => &[("right", RIGHT), ("wrong", WRONG)],
            Parts::FourWay => &[
                ("true positive", Fill::Plain(BLUE)),
                ("true negative", Fill::Plain(SKY)),
                ("false positive", Fill::Dotted(ORANGE)),
                ("false negative", Fill::Hatched(VERMILLION)),
            ],
        }
    }
}

impl RangePlot<'_> {
    /// Draws the plot.
    pub fn draw(&self) -> Plot {
        let fills = self.parts.fills().iter();
        let entries: Vec<(String, LegendKey)> = fills
            .map(|(name, fill)| ((*name).to_owned(), LegendKey::Area(*fill)))
            .collect();
        let legend_height = legend::height(&entries, WIDTH - 24.0);
        let size = (WIDTH, PLOT.bottom() + 42.0 + legend_height);
        let mut canvas = self.frame.canvas(size, 12.0);
        self.draw_accuracies(&mut canvas);
        self.draw_bars(&mut canvas);
        let below = (12.0, PLOT.bottom() + 38.0);
        legend::draw(&mut canvas, &entries, below, WIDTH - 24.0);
        canvas.finish()
    }

    fn draw_accuracies(&self, canvas: &mut Canvas<'_>) {
        let axes = Axes::new(STRIP, &AxisSpec::share(""), &AxisSpec::share(""));
        for (y, label) in [(0.0, "0"), (0.5, "50"), (1.0, "100")] {
            axes.grid_line(canvas, y);
            axes.label_y(canvas, y, label);
        }
        axes.name_y(canvas, "accuracy, %");
        for (index, bar) in self.bars.iter().enumerate() {
            let x = self.middle(index);
            let above = (x, STRIP.top - 5.0);
            let Some(accuracy) = bar.accuracy else {
                canvas.text(above, Anchor::Middle, 10.5, "–");
                continue;
            };
            if let Some((low, high)) = accuracy.interval {
                canvas.whisker(x, (axes.y(low), axes.y(high)), 3.0, BLACK);
            }
            canvas.marker((x, axes.y(accuracy.value)), Marker::Circle, 3.0, BLACK);
            let percent = format!("{:.0}", 100.0 * accuracy.value);
            canvas.text(above, Anchor::Middle, 10.5, &percent);
        }
    }

    fn draw_bars(&self, canvas: &mut Canvas<'_>) {
        let totals = self.bars.iter().map(|bar| bar.counts.iter().sum());
        let tallest: usize = totals.max().unwrap_or(0).max(1);
        let x = AxisSpec::share(self.x_label);
        let y = AxisSpec::new("cells", 0.0, 1.02 * tallest as f64);
        let axes = Axes::new(PLOT, &x, &y);
        axes.draw_y(canvas, &y, 4);
        for (index, bar) in self.bars.iter().enumerate() {
            self.draw_bar(canvas, &axes, index, bar);
        }
        axes.draw_x(canvas, &x);
    }

    fn draw_bar(&self, canvas: &mut Canvas<'_>, axes: &Axes, index: usize, bar: &RangeBar) {
        let (middle, (_, width)) = (self.middle(index), axes.column(index, self.bars.len()));
        let mut below = 0;
        for (count, (_, fill)) in bar.counts.iter().zip(self.parts.fills()) {
            let heights = (axes.y(below as f64), axes.y((below + count) as f64));
            if *count > 0 {
                canvas.bar((middle - 0.42 * width, 0.84 * width), heights, *fill);
            }
            below += count;
        }
        if below > 0 {
            let above = (middle, axes.y(below as f64) - 3.5);
            canvas.rimmed_text(above, Anchor::Middle, 9.5, &below.to_string());
        }
    }

    fn middle(&self, index: usize) -> f64 {
        PLOT.left + PLOT.width * (index as f64 + 0.5) / self.bars.len().max(1) as f64
    }
}
