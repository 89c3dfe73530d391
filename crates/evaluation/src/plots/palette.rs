//! Okabe and Ito's colours (2008), each with a pattern, dash or marker for black and white.

pub(super) const BLACK: &str = "#1a1a1a";
pub(super) const LIGHT_GREY: &str = "#dddddd";
pub(super) const BLUE: &str = "#0072B2";
pub(super) const SKY: &str = "#56B4E9";
pub(super) const ORANGE: &str = "#E69F00";
pub(super) const GREEN: &str = "#009E73";
pub(super) const VERMILLION: &str = "#D55E00";
pub(super) const PURPLE: &str = "#CC79A7";

/// How an area is filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fill {
    /// One colour.
    Plain(&'static str),
    /// Diagonal lines of one colour on white.
    Hatched(&'static str),
    /// Dots of one colour on white.
    Dotted(&'static str),
}

/// A right answer.
pub(super) const RIGHT: Fill = Fill::Plain(SKY);
/// A wrong answer.
pub(super) const WRONG: Fill = Fill::Hatched(VERMILLION);

impl Fill {
    pub(super) fn colour(self) -> &'static str {
        match self {
            Fill::Plain(colour) | Fill::Hatched(colour) | Fill::Dotted(colour) => colour,
        }
    }
}

/// The shape of a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marker {
    Circle,
    Square,
    Triangle,
    Diamond,
    Cross,
}

/// How a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct LineStyle {
    pub colour: &'static str,
    /// The SVG dash pattern; empty for a solid line.
    pub dash: &'static str,
    pub width: f64,
    pub marker: Option<Marker>,
}

const STYLES: [(&str, &str, Marker); 6] = [
    (BLUE, "", Marker::Circle),
    (VERMILLION, "7 3", Marker::Square),
    (GREEN, "2 2.5", Marker::Triangle),
    (PURPLE, "8 3 2 3", Marker::Diamond),
    (ORANGE, "12 3", Marker::Cross),
    (BLACK, "4 2 1 2 1 2", Marker::Circle),
];

impl LineStyle {
    /// The style of series `index`; they repeat after six.
    pub(super) fn of_series(index: usize) -> LineStyle {
        let (colour, dash, marker) = STYLES[index % STYLES.len()];
        LineStyle {
            colour,
            dash,
            width: 1.8,
            marker: Some(marker),
        }
    }

    /// A thin line in the background.
    pub(super) const BACKGROUND: LineStyle = LineStyle {
        colour: "#b5b5b5",
        dash: "",
        width: 0.9,
        marker: None,
    };

    /// A thin dashed line for comparison.
    pub(super) const REFERENCE: LineStyle = LineStyle {
        colour: "#555555",
        dash: "3 3",
        width: 1.0,
        marker: None,
    };
}
