//! Two histograms back to back: right answers above the line, wrong answers below.

use super::{
    axes::{AxisSpec, Frame, TEXT, tick_label, ticks},
    canvas::{Anchor, Area, Canvas, Plot, thin},
    palette::{BLACK, Fill, LIGHT_GREY, RIGHT, WRONG},
};

/// A share with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// The share, 0 to 1.
    pub value: f64,
    /// Its interval.
    pub interval: Option<(f64, f64)>,
}

/// The shares of right and wrong answers in bins of equal width.
#[derive(Clone, Debug, PartialEq)]
pub struct MirroredHistogram<'a> {
    /// Name of the file.
    pub name: &'a str,
    /// Heading.
    pub title: &'a str,
    /// For those who cannot see it.
    pub description: &'a str,
    /// The axis over which the bins lie.
    pub x: AxisSpec,
    /// Of all right answers, the share in each bin.
    pub right: Vec<Share>,
    /// Of all wrong answers, the share in each bin.
    pub wrong: Vec<Share>,
    /// Number of right and of wrong answers.
    pub counts: (usize, usize),
}

const SIZE: (f64, f64) = (320.0, 250.0);
const PLOT: Area = Area {
    left: 58.0,
    top: 26.0,
    width: 250.0,
    height: 182.0,
};

impl MirroredHistogram<'_> {
    /// Draws the plot.
    pub fn draw(&self) -> Plot {
        let mut canvas = Canvas::new(self.name, SIZE, self.title, self.description);
        canvas.bold_text((PLOT.left, 16.0), Anchor::Start, 13.0, self.title);
        let top = self.tallest();
        let frame = Frame::new(PLOT, &self.x, &AxisSpec::new("", -top, top));
        frame.draw_x(&mut canvas, &self.x);
        draw_share_axis(&mut canvas, &frame, top);
        draw_bars(&mut canvas, &frame, &self.right, 1.0, RIGHT);
        draw_bars(&mut canvas, &frame, &self.wrong, -1.0, WRONG);
        canvas.line(
            (PLOT.left, frame.y(0.0)),
            (PLOT.right(), frame.y(0.0)),
            thin(BLACK),
        );
        let right = format!("right ({} cells)", self.counts.0);
        let wrong = format!("wrong ({} cells)", self.counts.1);
        canvas.rimmed_text(
            (PLOT.right() - 4.0, PLOT.top + 13.0),
            Anchor::End,
            TEXT,
            &right,
        );
        // Few wrong answers are sure: the left is free.
        canvas.rimmed_text(
            (PLOT.left + 6.0, PLOT.bottom() - 6.0),
            Anchor::Start,
            TEXT,
            &wrong,
        );
        canvas.finish()
    }

    /// The height of the axis to each side; intervals may be cut there, bars never are.
    fn tallest(&self) -> f64 {
        let shares = || self.right.iter().chain(&self.wrong);
        let bars = shares().map(|share| share.value).fold(0.05, f64::max);
        let ends = shares()
            .filter_map(|share| share.interval)
            .map(|(_, high)| high);
        (1.05 * ends.fold(bars, f64::max))
            .min(1.35 * bars)
            .min(1.05)
    }
}

fn draw_share_axis(canvas: &mut Canvas, frame: &Frame, top: f64) {
    let (step, ticks) = ticks(0.0, top, 3);
    let places = ticks.iter().flat_map(|&tick| [tick, -tick]);
    for tick in places {
        let y = frame.y(tick);
        canvas.line((PLOT.left, y), (PLOT.right(), y), thin(LIGHT_GREY));
        canvas.text(
            (PLOT.left - 6.0, y + 4.0),
            Anchor::End,
            TEXT,
            &tick_label(tick.abs(), step),
        );
    }
    canvas.line(
        (PLOT.left, PLOT.top),
        (PLOT.left, PLOT.bottom()),
        thin(BLACK),
    );
    canvas.upward_text(
        (PLOT.left - 46.0, PLOT.top + 0.5 * PLOT.height),
        TEXT,
        "share of each",
    );
}

fn draw_bars(canvas: &mut Canvas, frame: &Frame, shares: &[Share], direction: f64, fill: Fill) {
    let width = PLOT.width / shares.len().max(1) as f64;
    for (index, share) in shares.iter().enumerate() {
        let left = PLOT.left + width * index as f64;
        let (end, zero) = (frame.y(direction * share.value), frame.y(0.0));
        if share.value > 0.0 {
            let bar = Area {
                left: left + 0.6,
                top: end.min(zero),
                width: width - 1.2,
                height: (zero - end).abs(),
            };
            canvas.rectangle(bar, fill, 1.0);
        }
        if let Some((low, high)) = share.interval.filter(|(_, high)| *high > 0.0) {
            let ends = (frame.y(direction * low), frame.y(direction * high));
            canvas.whisker(left + 0.5 * width, ends, 1.5, BLACK);
        }
    }
}
