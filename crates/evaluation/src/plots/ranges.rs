//! The paper's figures: how many answers lie in each range of a normalised uncertainty, and how many of them are right.

use super::{
    axes::{AxisSpec, Frame, TEXT},
    canvas::{Anchor, Area, Canvas, Plot, thin},
    legend::{self, Key},
    mirrored_histogram::Share,
    palette::{BLACK, BLUE, Fill, LIGHT_GREY, Marker, ORANGE, RIGHT, SKY, VERMILLION, WRONG},
};

/// The answers of one range.
#[derive(Clone, Debug, PartialEq)]
pub struct RangeBar {
    /// Counts in the order of the plot's parts.
    pub counts: Vec<usize>,
    /// Accuracy; `None` in an empty range.
    pub accuracy: Option<Share>,
}

/// What a bar is stacked of.
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
    /// Name of the file.
    pub name: &'a str,
    /// Heading.
    pub title: &'a str,
    /// For those who cannot see it.
    pub description: &'a str,
    /// Name of the x axis.
    pub x_label: &'a str,
    /// What the bars are stacked of.
    pub parts: Parts,
    /// The ranges, ascending.
    pub bars: Vec<RangeBar>,
}

const WIDTH: f64 = 360.0;
const STRIP: Area = Area {
    left: 60.0,
    top: 40.0,
    width: 290.0,
    height: 58.0,
};
const PLOT: Area = Area {
    left: 60.0,
    top: 122.0,
    width: 290.0,
    height: 148.0,
};

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
        let entries: Vec<(String, Key)> = fills
            .map(|(name, fill)| ((*name).to_owned(), Key::Area(*fill)))
            .collect();
        let legend_height = legend::height(&entries, WIDTH - 24.0);
        let size = (WIDTH, PLOT.bottom() + 42.0 + legend_height);
        let mut canvas = Canvas::new(self.name, size, self.title, self.description);
        canvas.bold_text((12.0, 16.0), Anchor::Start, 13.0, self.title);
        self.draw_accuracies(&mut canvas);
        self.draw_bars(&mut canvas);
        let below = Area {
            left: 12.0,
            top: PLOT.bottom() + 38.0,
            width: WIDTH - 24.0,
            height: legend_height,
        };
        legend::draw(&mut canvas, &entries, below);
        canvas.finish()
    }

    fn draw_accuracies(&self, canvas: &mut Canvas) {
        let axis = AxisSpec::share("right");
        let frame = Frame::new(STRIP, &AxisSpec::share(""), &axis);
        for (y, label) in [(0.0, "0"), (0.5, "50"), (1.0, "100")] {
            let place = frame.y(y);
            canvas.line(
                (STRIP.left, place),
                (STRIP.right(), place),
                thin(LIGHT_GREY),
            );
            canvas.text((STRIP.left - 6.0, place + 4.0), Anchor::End, TEXT, label);
        }
        canvas.upward_text(
            (STRIP.left - 46.0, STRIP.top + 0.5 * STRIP.height),
            TEXT,
            "accuracy, %",
        );
        for (index, bar) in self.bars.iter().enumerate() {
            let x = self.middle(index);
            let Some(accuracy) = bar.accuracy else {
                canvas.text((x, STRIP.top - 5.0), Anchor::Middle, 10.5, "–");
                continue;
            };
            if let Some((low, high)) = accuracy.interval {
                canvas.whisker(x, (frame.y(low), frame.y(high)), 3.0, BLACK);
            }
            canvas.marker((x, frame.y(accuracy.value)), Marker::Circle, 3.0, BLACK);
            let percent = format!("{:.0}", 100.0 * accuracy.value);
            canvas.text((x, STRIP.top - 5.0), Anchor::Middle, 10.5, &percent);
        }
    }

    fn draw_bars(&self, canvas: &mut Canvas) {
        let tallest = self
            .bars
            .iter()
            .map(RangeBar::total)
            .max()
            .unwrap_or(0)
            .max(1);
        let x = AxisSpec::share(self.x_label);
        let y = AxisSpec::new("cells", 0.0, 1.02 * tallest as f64);
        let frame = Frame::new(PLOT, &x, &y);
        frame.draw_y(canvas, &y, 4);
        for (index, bar) in self.bars.iter().enumerate() {
            self.draw_bar(canvas, &frame, index, bar);
        }
        frame.draw_x(canvas, &x);
    }

    fn draw_bar(&self, canvas: &mut Canvas, frame: &Frame, index: usize, bar: &RangeBar) {
        let width = PLOT.width / self.bars.len().max(1) as f64;
        let mut below = 0;
        for (count, (_, fill)) in bar.counts.iter().zip(self.parts.fills()) {
            let (low, high) = (frame.y(below as f64), frame.y((below + count) as f64));
            let piece = Area {
                left: self.middle(index) - 0.42 * width,
                top: high,
                width: 0.84 * width,
                height: low - high,
            };
            if *count > 0 {
                canvas.rectangle(piece, *fill, 1.0);
            }
            below += count;
        }
        if below > 0 {
            let top = frame.y(below as f64) - 3.5;
            canvas.rimmed_text(
                (self.middle(index), top),
                Anchor::Middle,
                9.5,
                &below.to_string(),
            );
        }
    }

    fn middle(&self, index: usize) -> f64 {
        PLOT.left + PLOT.width * (index as f64 + 0.5) / self.bars.len().max(1) as f64
    }
}

impl RangeBar {
    fn total(&self) -> usize {
        self.counts.iter().sum()
    }
}
